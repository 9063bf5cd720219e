"""Answers of an identity provider, made by hand: right ones, and every kind of wrong one that attackers send."""

import base64
import copy
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import xmlsec
from lxml import etree

from tests.services.saml import PERSISTENT, key_and_certificate

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SIGNED = "http://www.w3.org/2000/09/xmldsig#"
NS = {"p": PROTOCOL, "a": SAML, "d": SIGNED}
VICTIM = "root"

Element = Any


def instant(minutes: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Answer:
    """One response, field by field; each attack changes some of them. ``None`` leaves an attribute out."""

    issuer: str
    acs: str
    audience: str | None
    request_id: str | None
    name_id: str = "ada"
    username: str = "ada"
    destination: str | None = ""  # empty: as ``acs``
    recipient: str | None = ""
    inner_request_id: str | None = ""  # empty: as ``request_id``
    minutes: float = 0  # by which everything is shifted
    asked: float | None = None  # minutes until the provider asked the person; none: as ``minutes``
    signs: str = "assertion"  # "response", "both", "nothing"
    by: str = "provider"  # whose key
    method: Any = None
    digest: Any = None
    status: str = "urn:oasis:names:tc:SAML:2.0:status:Success"
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    name_format: str = PERSISTENT
    qualifier: str = ""
    session_index: str = "index-1"
    assertion_id: str = ""

    def root(self) -> Element:
        """As XML, signed as it says."""
        root = etree.fromstring(self._xml())
        if self.signs in ("assertion", "both"):
            sign(root.find("a:Assertion", NS), self.by, self.method, self.digest)
        if self.signs in ("response", "both"):
            sign(root, self.by, self.method, self.digest)
        return root

    def changed(self, **fields: Any) -> "Answer":
        return replace(self, **fields)

    def _xml(self) -> str:
        acs, request_id = self.acs, self.request_id
        destination = acs if self.destination == "" else self.destination
        recipient = acs if self.recipient == "" else self.recipient
        inner = request_id if self.inner_request_id == "" else self.inner_request_id
        statements = {"uid": (self.username,), **self.attributes}
        audience = f"<AudienceRestriction><Audience>{self.audience}</Audience></AudienceRestriction>"
        return f"""<p:Response xmlns:p="{PROTOCOL}" ID="r{secrets.token_hex(8)}" Version="2.0"
  IssueInstant="{instant(self.minutes)}"{_attribute("Destination", destination)}{
            _attribute("InResponseTo", request_id)
        }>
 <Issuer xmlns="{SAML}">{self.issuer}</Issuer>
 <p:Status><p:StatusCode Value="{self.status}"/></p:Status>
 <Assertion xmlns="{SAML}" ID="{self.assertion_id or "a" + secrets.token_hex(8)}" Version="2.0"
   IssueInstant="{instant(self.minutes)}">
  <Issuer>{self.issuer}</Issuer>
  <Subject><NameID Format="{self.name_format}"{_attribute("NameQualifier", self.qualifier or None)}>{
            escape(self.name_id)
        }</NameID>
   <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData
     NotOnOrAfter="{instant(self.minutes + 5)}"{_attribute("Recipient", recipient)}{_attribute("InResponseTo", inner)}/>
   </SubjectConfirmation></Subject>
  <Conditions NotBefore="{instant(self.minutes - 1)}" NotOnOrAfter="{instant(self.minutes + 5)}">{
            audience if self.audience else ""
        }</Conditions>
  <AuthnStatement AuthnInstant="{instant(self.minutes if self.asked is None else self.asked)}" SessionIndex="{
            self.session_index
        }"><AuthnContext>
   <AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef>
  </AuthnContext></AuthnStatement>
  <AttributeStatement>{"".join(_values(name, values) for name, values in statements.items())}</AttributeStatement>
 </Assertion>
</p:Response>"""


def _attribute(name: str, value: str | None) -> str:
    return "" if value is None else f' {name}="{value}"'


def _values(name: str, values: tuple[str, ...]) -> str:
    inside = "".join(f"<AttributeValue>{escape(value)}</AttributeValue>" for value in values)
    return f'<Attribute Name="{escape(name)}">{inside}</Attribute>'


def sign(element: Element, by: str, method: Any = None, digest: Any = None) -> None:
    """An enveloped signature behind the issuer, with the certificate in its KeyInfo, as providers do."""
    key, certificate = key_and_certificate(by)
    signature = xmlsec.template.create(
        element, xmlsec.Transform.EXCL_C14N, method or xmlsec.Transform.RSA_SHA256, ns="d"
    )
    element.find("a:Issuer", NS).addnext(signature)
    uri = f"#{element.get('ID')}"
    reference = xmlsec.template.add_reference(signature, digest or xmlsec.Transform.SHA256, uri=uri)
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(element, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key, xmlsec.KeyFormat.PEM, None)
    context.key.load_cert_from_memory(certificate, xmlsec.KeyFormat.CERT_PEM)
    context.sign(signature)


def message(root: Element) -> str:
    """As the form carries it."""
    return base64.b64encode(root if isinstance(root, bytes) else etree.tostring(root)).decode()


def encrypted(answer: Answer, certificate: str, transport: Any = None) -> Element:
    """The same answer, its assertion encrypted for this certificate."""
    root = answer.root()
    assertion = root.find("a:Assertion", NS)
    wrapper = etree.SubElement(root, f"{{{SAML}}}EncryptedAssertion")
    root.replace(assertion, wrapper)
    inside = etree.fromstring(etree.tostring(assertion))
    data = xmlsec.template.encrypted_data_create(
        inside, xmlsec.Transform.AES256, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="d")
    key = xmlsec.template.add_encrypted_key(info, transport or xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM, None))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    wrapper.append(context.encrypt_xml(data, inside))
    return root


# --- Signature wrapping (XSW 1 to 8): the signed part stays as it was, somewhere; what is read is the attacker's -----


def _evil(element: Element, *, signature: bool = False) -> Element:
    """A copy that says it is about the victim, under an ID of its own."""
    copied = copy.deepcopy(element)
    copied.set("ID", f"evil{secrets.token_hex(4)}")
    for name in copied.iterfind(".//a:NameID", NS):
        name.text = VICTIM
    for value in copied.iterfind(".//a:AttributeValue", NS):
        value.text = VICTIM
    inner = copied.find("a:Assertion", NS)
    if inner is not None:
        inner.set("ID", f"evil{secrets.token_hex(4)}")
    if not signature:
        for found in copied.findall("d:Signature", NS):
            copied.remove(found)
    return copied


def _without_signature(element: Element) -> Element:
    copied = copy.deepcopy(element)
    copied.remove(copied.find("d:Signature", NS))
    return copied


def _response_in_signature(answer: Answer) -> Element:
    original = answer.changed(signs="response").root()
    evil = _evil(original)
    signature = copy.deepcopy(original.find("d:Signature", NS))
    signature.append(_without_signature(original))
    evil.insert(1, signature)
    return evil


def _response_in_response(answer: Answer) -> Element:
    original = answer.changed(signs="response").root()
    evil = _evil(original)
    evil.insert(1, _without_signature(original))
    evil.insert(2, copy.deepcopy(original.find("d:Signature", NS)))
    return evil


def _evil_before(answer: Answer) -> Element:
    root = answer.root()
    original = root.find("a:Assertion", NS)
    original.addprevious(_evil(original))
    return root


def _assertion_in_assertion(answer: Answer) -> Element:
    root = answer.root()
    original = root.find("a:Assertion", NS)
    evil = _evil(original)
    root.replace(original, evil)
    evil.append(original)
    return root


def _signature_moved(answer: Answer) -> Element:
    root = answer.root()
    original = root.find("a:Assertion", NS)
    root.append(_without_signature(original))
    root.replace(original, _evil(original, signature=True))
    return root


def _assertion_in_signature(answer: Answer) -> Element:
    root = answer.root()
    original = root.find("a:Assertion", NS)
    evil = _evil(original, signature=True)
    evil.find("d:Signature", NS).append(_without_signature(original))
    root.replace(original, evil)
    return root


def _assertion_in_extensions(answer: Answer) -> Element:
    root = answer.root()
    extensions = etree.Element(f"{{{PROTOCOL}}}Extensions")
    extensions.append(_evil(root.find("a:Assertion", NS)))
    root.find("a:Issuer", NS).addnext(extensions)
    return root


def _assertion_in_object(answer: Answer) -> Element:
    root = answer.root()
    original = root.find("a:Assertion", NS)
    evil = _evil(original, signature=True)
    wrapper = etree.SubElement(evil.find("d:Signature", NS), f"{{{SIGNED}}}Object")
    wrapper.append(_without_signature(original))
    root.replace(original, evil)
    return root


WRAPPED: dict[str, Callable[[Answer], Element]] = {
    "response_in_signature": _response_in_signature,
    "response_in_response": _response_in_response,
    "two_assertions": _evil_before,
    "assertion_in_assertion": _assertion_in_assertion,
    "signature_of_another": _signature_moved,
    "assertion_in_signature": _assertion_in_signature,
    "assertion_in_extensions": _assertion_in_extensions,
    "assertion_in_object": _assertion_in_object,
}


# --- Everything else: by the reason that the audit log gives ---------------------------------------------------------


def _text(answer: Answer) -> str:
    return etree.tostring(answer.root()).decode()


def _unsigned(answer: Answer) -> Element:
    root = answer.root()
    assertion = root.find("a:Assertion", NS)
    assertion.remove(assertion.find("d:Signature", NS))
    assertion.find("a:Subject/a:NameID", NS).text = VICTIM
    return root


def _tampered(answer: Answer) -> Element:
    root = answer.root()
    root.find("a:Assertion/a:Subject/a:NameID", NS).text = VICTIM
    return root


def _comment(answer: Answer) -> bytes:
    signed = _text(answer.changed(name_id="root.ada"))
    return signed.replace("root.ada", "root<!-- -->.ada").encode()


def _same_id_twice(answer: Answer) -> Element:
    root = answer.root()
    original = root.find("a:Assertion", NS)
    evil = _evil(original)
    evil.set("ID", original.get("ID"))
    original.addprevious(evil)
    return root


def _declared(answer: Answer, declaration: str, use: str = "") -> bytes:
    xml = _text(answer)
    return (declaration + (xml.replace(">ada<", f">{use}<") if use else xml)).encode()


BOMB = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10))
FORGED: dict[str, Callable[[Answer], Element]] = {
    "unsigned": _unsigned,
    "signature": _tampered,
    "unknown_key": lambda answer: answer.changed(by="attacker", name_id=VICTIM, username=VICTIM).root(),
    "another_providers_key": lambda answer: answer.changed(by="other", name_id=VICTIM, username=VICTIM).root(),
    "comment": _comment,
    "processing_instruction": lambda answer: _text(answer).replace(">ada<", ">ada<?x y?><", 1).encode(),
    "duplicate_id": _same_id_twice,
    "dtd": lambda answer: _declared(answer, "<!DOCTYPE x>"),
    "external_entity": lambda answer: _declared(
        answer, '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"
    ),
    "entity": lambda answer: _declared(answer, f'<!DOCTYPE x [<!ENTITY b0 "ha">{BOMB}]>', "&b9;"),
    "weak_algorithm": lambda answer: answer.changed(
        method=xmlsec.Transform.RSA_SHA1, digest=xmlsec.Transform.SHA1
    ).root(),
    "wrong_audience": lambda answer: answer.changed(audience="https://elsewhere.example.com/").root(),
    "wrong_recipient": lambda answer: answer.changed(recipient=f"https://evil.example.com/?{answer.acs}").root(),
    "wrong_destination": lambda answer: answer.changed(destination=f"{answer.acs}more/").root(),
    "wrong_issuer": lambda answer: answer.changed(issuer="https://evil.example.com/").root(),
    "expired": lambda answer: answer.changed(minutes=-30).root(),
    "too_early": lambda answer: answer.changed(minutes=30).root(),
    "in_response_to_missing": lambda answer: answer.changed(inner_request_id=None).root(),
    "in_response_to_other": lambda answer: answer.changed(inner_request_id="another").root(),
}
