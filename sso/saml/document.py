"""A SAML message as XML: read without anything else that XML can do, and held to the one shape that an answer has.

The library finds elements by paths and verifies signatures by ids. Both mean the same element only in a document of
this shape (signature wrapping: OWASP SAML Security Cheat Sheet; Somorovsky et al., "On Breaking SAML").
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from lxml import etree

from sso.claims import ProviderRefused

LONGEST = 1_000_000  # bytes of a message; a long list of groups has some ten thousand
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SIGNED = "{http://www.w3.org/2000/09/xmldsig#}"
ENCRYPTED = "{http://www.w3.org/2001/04/xmlenc#}"
RESPONSE, ASSERTION, SECRET = f"{PROTOCOL}Response", f"{SAML}Assertion", f"{SAML}EncryptedAssertion"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
NEWER = "http://www.w3.org/2007/05/xmldsig-more#"
SIGNATURE_METHODS = {
    *(f"{MORE}{key}-sha{size}" for key in ("rsa", "ecdsa") for size in (256, 384, 512)),
    *(f"{NEWER}sha{size}-rsa-MGF1" for size in (256, 384, 512)),
}
DIGEST_METHODS = {
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
}
EXCLUSIVE = {"http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"}
TRANSFORMS = {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", *EXCLUSIVE}
# RSA 1.5 tells who asks often enough what is inside (Bleichenbacher).
ENCRYPTION_METHODS = {
    *(f"http://www.w3.org/2001/04/xmlenc#aes{size}-cbc" for size in (128, 192, 256)),
    *(f"http://www.w3.org/2009/xmlenc11#aes{size}-gcm" for size in (128, 192, 256)),
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    "http://www.w3.org/2009/xmlenc11#rsa-oaep",
}

Element = Any  # lxml's own, which has no complete types


def decoded(message: str) -> bytes:
    """The message as it was sent in a form (SAML Bindings 3.5.4: base64). Raises ProviderRefused."""
    if not message or len(message) > LONGEST * 4 / 3:
        raise ProviderRefused("malformed", _("The message is empty or longer than the server accepts."))
    try:
        return base64.b64decode("".join(message.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ProviderRefused("malformed", _("The message is not encoded as SAML asks (base64).")) from None


def read(xml: bytes) -> Element:
    """The root element. Raises ProviderRefused, also for a DTD and entities, which no SAML document has."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError):
        declared = b"<!ENTITY" in xml or b"<!DOCTYPE" in xml
        reason = "entity" if declared else "malformed"
        raise ProviderRefused(reason, _("The message is no well-formed XML.")) from None
    if root.getroottree().docinfo.doctype:
        _refuse_declarations(root.getroottree().docinfo.internalDTD)
    return root


def _refuse_declarations(dtd: Element) -> None:
    for entity in dtd.iterentities() if dtd is not None else ():
        if entity.system_url:
            raise ProviderRefused("external_entity", _("The message asks the server to read another file (XXE)."))
        raise ProviderRefused("entity", _("The message declares entities, which SAML never needs."))
    raise ProviderRefused("dtd", _("The message brings its own document type (DTD), which SAML never needs."))


def refuse_invisible(root: Element) -> None:
    """A signature doesn't cover comments: "admin<!-- -->.evil" is signed as one name and can be read as another."""
    if root.xpath("//comment()"):
        raise ProviderRefused("comment", _("The message has a comment inside; a signature doesn't cover comments."))
    if root.xpath("//processing-instruction()"):
        raise ProviderRefused("processing_instruction", _("The message has a processing instruction inside."))


def name_of(element: Element) -> str:
    """``Assertion``, without the namespace."""
    return str(etree.QName(element).localname)


def check_shape(root: Element) -> None:
    """One response, in it one assertion, plain or encrypted; signatures of these two alone. Raises ProviderRefused."""
    if root.tag != RESPONSE:
        raise ProviderRefused("not_a_response", _("The message is no SAML response."))
    ids = [value for element in root.iter() for name, value in element.attrib.items() if name in ("ID", "Id", "id")]
    if len(ids) != len(set(ids)):
        raise ProviderRefused("duplicate_id", _("Two elements of the message have the same ID."))
    for element in _every(root, RESPONSE, ASSERTION, SECRET):
        if element is not root and (element.tag == RESPONSE or element.getparent() is not root):
            where = f"{name_of(element)}_in_{name_of(element.getparent())}".lower()
            raise ProviderRefused(where, _("The message hides one statement inside of another (signature wrapping)."))
    for signature in root.iter(f"{SIGNED}Signature"):
        _check_signature(root, signature)
    assertions = len(root.findall(ASSERTION)) + len(root.findall(SECRET))
    if assertions != 1 and root.find(f"{PROTOCOL}Status/{PROTOCOL}StatusCode[@Value='{SUCCESS}']") is not None:
        reason = "two_assertions" if assertions else "no_assertion"
        raise ProviderRefused(reason, _("The message has %(count)d assertions instead of one.") % {"count": assertions})
    _check_encryption(root)


def _every(element: Element, *tags: str) -> Iterator[Element]:
    """Below and including the element. One tag at a time: the library's elements can't look for several."""
    return (one for tag in tags for one in element.iter(tag))


def _check_signature(root: Element, signature: Element) -> None:
    holder = signature.getparent()
    if holder is not root and not (holder.tag == ASSERTION and holder.getparent() is root):
        raise ProviderRefused("signature_position", _("A signature stands where none belongs."))
    references = list(signature.iter(f"{SIGNED}Reference"))
    if len(references) != 1 or references[0].get("URI") != f"#{holder.get('ID', '')}" or not holder.get("ID"):
        raise ProviderRefused("signature_of_another", _("A signature belongs to another element than it stands in."))
    if [*_every(signature, f"{SIGNED}Object", f"{SIGNED}RetrievalMethod", f"{SIGNED}Manifest")]:
        raise ProviderRefused("signature_content", _("A signature carries more than a signature."))
    for algorithm, allowed in _algorithms(signature):
        if algorithm in allowed:
            continue
        if algorithm.endswith("sha1") or algorithm.endswith("md5"):
            raise ProviderRefused("weak_algorithm", _("The message is signed with SHA-1 or MD5; set SHA-256 there."))
        raise ProviderRefused(
            "unknown_algorithm", _("The message is signed with the method “%(name)s”.") % {"name": algorithm[:200]}
        )


def _algorithms(signature: Element) -> Iterator[tuple[str, set[str]]]:
    for tag, allowed in (
        ("SignatureMethod", SIGNATURE_METHODS),
        ("DigestMethod", DIGEST_METHODS),
        ("CanonicalizationMethod", EXCLUSIVE),
        ("Transform", TRANSFORMS),
    ):
        for element in signature.iterfind(f"{SIGNED}SignedInfo//{SIGNED}{tag}"):
            yield element.get("Algorithm", ""), allowed


def _check_encryption(root: Element) -> None:
    if [*root.iter(f"{SAML}EncryptedID")]:
        raise ProviderRefused("encrypted_name", _("The NameID alone is encrypted; encrypt the whole assertion."))
    if [*root.iter(f"{ENCRYPTED}CipherReference")]:
        raise ProviderRefused("cipher_reference", _("The message asks the server to fetch its content from elsewhere."))
    for method in root.iter(f"{ENCRYPTED}EncryptionMethod"):
        if method.get("Algorithm") not in ENCRYPTION_METHODS:
            name = method.get("Algorithm", "")[:200]
            raise ProviderRefused("weak_encryption", _("It is encrypted with the method “%(name)s”.") % {"name": name})
