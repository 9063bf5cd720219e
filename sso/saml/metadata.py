"""The identity provider's metadata: fetched within limits, and read (SAML Metadata 2.0)."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser

from agora.base.errors import Refused
from sso.claims import ProviderRefused
from sso.fetch import NoAnswer, fetch, scheme_of
from sso.saml.document import Element, read

METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"


class BadMetadata(Refused):
    """The metadata can't be had or can't be used; the message says why."""

    status = 422


class NotAsked(BadMetadata):
    """Others wait already: nothing was learned about the metadata."""


@dataclass(frozen=True)
class IdentityProvider:
    """What the metadata says: who it is, where it is asked, and the certificates of the keys that it signs with."""

    entity_id: str
    sign_in: str
    logout: str
    logout_answer: str
    certificates: tuple[str, ...]
    wants_signed_requests: bool
    posts: bool = False  # it takes requests as forms only (HTTP-POST binding)


def is_safe(url: str) -> bool:
    """The metadata names the keys that everything else rests on: it comes by https, or from this machine."""
    scheme = scheme_of(url)
    if scheme != "http":
        return scheme == "https"
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def download(url: str, *, paused: bool = True) -> str:
    """The document at this address. Raises BadMetadata: not safe, not reachable, too slow, too long, no text.

    ``paused`` False asks even who was silent just now.
    """
    if not is_safe(url):
        raise BadMetadata(_("Metadata must come by https; %(url)s does not.") % {"url": url[:200]})
    try:
        accept = "application/samlmetadata+xml, application/xml, text/xml, */*"
        answer = fetch(url, headers={"Accept": accept}, paused=paused)
    except NoAnswer as error:
        raise (NotAsked if error.code == "busy" else BadMetadata)(str(error)) from None
    if answer.status != 200:
        raise BadMetadata(_("The Metadata URL answered with status %(status)d.") % {"status": answer.status})
    try:
        return answer.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadMetadata(_("The metadata is not encoded in UTF-8.")) from None


def understand(xml: str, entity_id: str) -> IdentityProvider:
    """What this metadata says of the provider with this entity id. Raises BadMetadata."""
    try:
        root = read(xml.encode())
    except ProviderRefused as refusal:
        raise BadMetadata(_("The metadata can't be read: %(why)s") % {"why": refusal}) from None
    found = _providers(root)
    entity = next((one for one in found if one.get("entityID") == entity_id), None)
    if entity is None:
        names = ", ".join(one.get("entityID", "")[:200] for one in found[:5]) or _("no identity provider at all")
        raise BadMetadata(
            _("The metadata does not describe “%(wanted)s”, but: %(found)s.") % {"wanted": entity_id, "found": names}
        )
    _check_end(entity)
    try:
        return _facts(entity, entity_id)
    except BadMetadata:
        raise
    except Exception as error:  # the library takes for granted that everything is there, in all sorts of ways
        raise BadMetadata(_("The metadata is incomplete or not as SAML describes it.")) from error


def _check_end(entity: Element) -> None:
    """Raises BadMetadata when the provider's part, or what it stands in, is past its time."""
    for one in (entity, *entity.iterancestors(), *entity.findall(f"{METADATA}IDPSSODescriptor")):
        said = one.get("validUntil")
        if said is None:
            continue
        try:
            until = parse_datetime(said.strip())
        except ValueError:
            until = None
        if until is None:
            raise BadMetadata(_("The end of the metadata, “%(at)s”, is no time.") % {"at": said[:200]})
        # SAML's times are UTC, with or without saying so (SAML 2.0 Core, 1.3.3).
        if (until if timezone.is_aware(until) else until.replace(tzinfo=UTC)) <= timezone.now():
            raise BadMetadata(_("The metadata was valid until %(at)s only.") % {"at": said[:200]})


def _facts(entity: Element, entity_id: str) -> IdentityProvider:
    parsed = Parser.parse(deepcopy(entity))  # the library looks in the whole document
    posts = "singleSignOnService" not in parsed.get("idp", {})
    if posts:
        parsed = Parser.parse(deepcopy(entity), required_sso_binding=Constants.BINDING_HTTP_POST)
    provider = parsed.get("idp", {})
    keys = provider.get("x509certMulti", {}).get("signing") or [provider.get("x509cert", "")]
    # The library takes a lone certificate whatever it is for. Who is a service provider as well has other keys there.
    role = entity.find(f"{METADATA}IDPSSODescriptor")
    only_encrypts = {one.get("use") for one in role.findall(f"{METADATA}KeyDescriptor")} == {"encryption"}
    sign_in = provider.get("singleSignOnService", {}).get("url", "")
    logout = provider.get("singleLogoutService", {}).get("url", "")
    if not all(keys) or only_encrypts:
        raise BadMetadata(_("The metadata names no certificate that the provider signs with."))
    if scheme_of(sign_in) not in ("http", "https"):
        raise BadMetadata(_("The metadata names no address for signing in by redirect or form."))
    if logout and scheme_of(logout) not in ("http", "https"):
        raise BadMetadata(_("The address for single logout in the metadata is no web address."))
    return IdentityProvider(
        entity_id=entity_id,
        sign_in=sign_in,
        logout=logout,
        logout_answer=_answers_at(role, logout),
        certificates=tuple(dict.fromkeys(keys)),
        wants_signed_requests=bool(parsed.get("security", {}).get("authnRequestsSigned")),
        posts=posts,
    )


def _answers_at(role: Element, logout: str) -> str:
    """Where answers to logout requests go, when that is another address (ResponseLocation)."""
    for service in role.findall(f"{METADATA}SingleLogoutService"):
        other = service.get("ResponseLocation", "")
        if service.get("Binding") == Constants.BINDING_HTTP_REDIRECT and scheme_of(other) in ("http", "https"):
            return str(other)
    return logout


def entity_ids(xml: str) -> list[str]:
    """The identity providers that a document describes; none where it can't be read."""
    try:
        root = read(xml.encode())
    except ProviderRefused:
        return []
    return [one.get("entityID", "") for one in _providers(root)]


def _providers(root: Element) -> list[Element]:
    entities = root.iter(f"{METADATA}EntityDescriptor")
    return [one for one in entities if one.find(f"{METADATA}IDPSSODescriptor") is not None]
