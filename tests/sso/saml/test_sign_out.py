"""Single logout: ours told to the provider, the provider's told to us, and what pretends to be either."""

import base64
import re
import zlib
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.http import HttpResponse
from django.test import Client

from audit.models import Entry
from sessions_admin.models import Session
from sso.models import Provider
from tests.services.saml import PERSISTENT, IdentityProvider, key_and_certificate
from tests.sso.saml.attacks import PROTOCOL, SAML, instant
from tests.sso.saml.conftest import Hall, Visitor, answer

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
SLO = "http://testserver/sso/forge/slo/"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


def away(page: HttpResponse) -> str:
    """Where the page goes on."""
    found = re.search(r'id="away" href="([^"]+)"', page.content.decode())
    assert page.status_code == 200 and found, page.content
    return unescape(found[1])


def query_of(address: str) -> str:
    return urlsplit(address).query


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.client.get("/profile/").status_code == 200


# --- With the real provider -------------------------------------------------------------------------------------------


def arrived(hall: Hall, idp: IdentityProvider, visitor: Visitor, browser: requests.Session) -> Provider:
    """Signed in here and there."""
    provider = hall()
    idp.knows("ada", "8f3c", uid="ada")
    _target, fields = hall.pages(visitor.go(provider), "ada", browser)
    visitor.bring(provider, fields["SAMLResponse"], relay_state=fields["RelayState"])
    assert is_signed_in(visitor)
    return provider


def test_signing_out_here_signs_out_there(hall: Hall, idp: IdentityProvider, visitor: Visitor) -> None:
    browser = requests.Session()
    arrived(hall, idp, visitor, browser)
    address = away(visitor.client.post("/sign-out/"))
    assert address.startswith(f"{idp.entity_id}/logout?") and "Signature=" in address
    assert not is_signed_in(visitor), "here it is over at once, whatever becomes of it there"
    back = browser.get(address, timeout=10, allow_redirects=False)
    landed = visitor.client.get("/sso/hospital/slo/", QUERY_STRING=query_of(back.headers["Location"]), follow=True)
    assert b"You are signed out, at Hospital as well." in landed.content
    assert "Provider sign-in" in browser.get(f"{idp.entity_id}/sso?party=x", timeout=10).text
    again = visitor.client.get("/sso/hospital/slo/", QUERY_STRING=query_of(back.headers["Location"]))
    assert again.status_code == 400
    assert Entry.objects.filter(event="provider.signed_out").latest("pk").details["reason"] == "unknown_request"


def test_signing_out_there_signs_out_here(hall: Hall, idp: IdentityProvider, visitor: Visitor) -> None:
    browser = requests.Session()
    arrived(hall, idp, visitor, browser)
    asked = browser.get(f"{idp.entity_id}/logout", timeout=10, allow_redirects=False).headers["Location"]
    # In another browser as well: what it says counts, not who brings it.
    address = Client().get("/sso/hospital/slo/", QUERY_STRING=query_of(asked))["Location"]
    assert not is_signed_in(visitor)
    assert Session.objects.get().cause == "signed_out_there"
    entry = Entry.objects.get(event="provider.signed_out")
    assert (entry.outcome, entry.details["sessions_ended"], entry.target_name) == ("success", 1, "Hospital")
    assert "Signed out of the provider" in browser.get(address, timeout=10).text


def test_a_provider_without_single_logout_is_not_bothered(forge: Callable[..., Provider], visitor: Visitor) -> None:
    provider = forge()
    provider.saml.metadata_xml = re.sub(r"<SingleLogoutService[^>]*>", "", provider.saml.metadata_xml)
    provider.saml.save()
    visitor.go(provider)
    visitor.bring(provider, answer(provider, visitor).root())
    assert is_signed_in(visitor)
    assert visitor.client.post("/sign-out/")["Location"] == "/sign-in/"
    assert not is_signed_in(visitor)


# --- What pretends to be a provider's ---------------------------------------------------------------------------------


def signed(
    xml: str | bytes, *, kind: str = "SAMLRequest", by: str = "provider", algorithm: str = RSA_SHA256, relay: str = ""
) -> str:
    """The query of a signed redirect (SAML Bindings 3.4.4.1)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(xml if isinstance(xml, bytes) else xml.encode()) + packer.flush()
    query = f"{kind}={quote_plus(base64.b64encode(packed))}"
    query += f"&RelayState={quote_plus(relay)}" if relay else ""
    query += f"&SigAlg={quote_plus(algorithm)}"
    key = load_pem_private_key(key_and_certificate(by)[0].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    digest = hashes.SHA1() if algorithm == RSA_SHA1 else hashes.SHA256()
    signature = key.sign(query.encode(), padding.PKCS1v15(), digest)
    return f"{query}&Signature={quote_plus(base64.b64encode(signature))}"


def request(
    *, issuer: str = "https://forge.example.com/metadata", to: str = SLO, minutes: float = 0, name: str = "ada",
    index: str = "index-1", until: float | None = None, more: str = "", name_id: str = "_l1",
) -> str:  # fmt: skip
    ends = "" if until is None else f' NotOnOrAfter="{instant(until)}"'
    indexes = f"<p:SessionIndex>{index}</p:SessionIndex>" if index else ""
    return f"""{more}<p:LogoutRequest xmlns:p="{PROTOCOL}" ID="{name_id}" Version="2.0"
 IssueInstant="{instant(minutes)}" Destination="{to}"{ends}><Issuer xmlns="{SAML}">{issuer}</Issuer>
 <NameID xmlns="{SAML}" Format="{PERSISTENT}">{name}</NameID>{indexes}</p:LogoutRequest>"""


@pytest.fixture
def signed_in(forge: Callable[..., Provider], visitor: Visitor) -> Visitor:
    """Signed in through the provider that is made by hand, beside another one with a key of its own."""
    forge("other-lab", key="other", entity_id="https://other.example.com/")
    provider = forge()
    visitor.go(provider)
    visitor.bring(provider, answer(provider, visitor).root())
    assert is_signed_in(visitor)
    return visitor


def hear(query: str, alias: str = "forge") -> HttpResponse:
    return Client().get(f"/sso/{alias}/slo/", QUERY_STRING=query)  # type: ignore[return-value]


def why() -> str:
    entry = Entry.objects.filter(event="provider.signed_out").latest("pk")
    assert entry.outcome == "failed"
    return str(entry.details["reason"])


def unsigned(query: str) -> str:
    return query.partition("&SigAlg=")[0]


REFUSED: dict[str, Callable[[], str]] = {
    "unsigned": lambda: unsigned(signed(request())),
    "signature": lambda: signed(request(), relay="a").replace("RelayState=a", "RelayState=b"),
    "signature by another": lambda: signed(request(), by="attacker"),
    "signature by another provider": lambda: signed(request(), by="other"),
    "weak_algorithm, as without a word about it": lambda: re.sub("&SigAlg=[^&]*", "", signed(request())),
    "weak_algorithm": lambda: signed(request(), algorithm=RSA_SHA1),
    "wrong_issuer": lambda: signed(request(issuer="https://other.example.com/")),
    "wrong_destination": lambda: signed(request(to=f"{SLO}more")),
    "expired": lambda: signed(request(minutes=-11)),
    "expired by its own word": lambda: signed(request(until=-1)),
    "malformed, twice": lambda: signed(request()) + "&SAMLRequest=x",
    "malformed, too long": lambda: signed(b"<a>" + b" " * 10_000_000 + b"</a>"),
    "malformed": lambda: signed("<a>"),
    "dtd": lambda: signed(request(more="<!DOCTYPE a>")),
    "external_entity": lambda: signed(request(more='<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>')),
    "comment": lambda: signed(request(name="a<!-- -->da")),
    "invalid": lambda: signed(f'<p:AuthnRequest xmlns:p="{PROTOCOL}" Destination="{SLO}"><Issuer xmlns="{SAML}">'
                              "https://forge.example.com/metadata</Issuer></p:AuthnRequest>"),
    "unsigned, nothing at all": lambda: "SAMLRequest=",
}  # fmt: skip


@pytest.mark.parametrize("shape", REFUSED)
def test_forged_logout_requests_end_nothing(signed_in: Visitor, shape: str) -> None:
    page = hear(REFUSED[shape]())
    assert page.status_code == 403
    assert re.match("[a-z_]+", shape)[0] == why()  # type: ignore[index]
    assert is_signed_in(signed_in)


def test_a_logout_request_counts_once(signed_in: Visitor) -> None:
    query = signed(request(name="somebody else"))
    assert hear(query).status_code == 302
    assert Entry.objects.get(event="provider.signed_out").details["sessions_ended"] == 0
    assert hear(query).status_code == 403
    assert why() == "replayed"
    assert is_signed_in(signed_in)


def test_a_logout_request_ends_only_what_its_own_provider_opened(signed_in: Visitor) -> None:
    to = "http://testserver/sso/other-lab/slo/"
    query = signed(request(issuer="https://other.example.com/", to=to), by="other")
    assert hear(query, "other-lab").status_code == 302
    assert is_signed_in(signed_in)


@pytest.mark.parametrize(
    ("fields", "ended"), [({"index": "index-1"}, True), ({"index": "index-2"}, False), ({"index": ""}, True)], ids=str
)
def test_a_logout_request_ends_the_session_it_names_or_all(
    signed_in: Visitor, fields: dict[str, Any], ended: bool
) -> None:
    page = hear(signed(request(**fields), relay="theirs & ours"))
    told = {name: values[0] for name, values in parse_qs(query_of(page["Location"])).items()}
    assert told["RelayState"] == "theirs & ours" and told["Signature"]
    answered = zlib.decompress(base64.b64decode(told["SAMLResponse"]), -15).decode()
    assert 'InResponseTo="_l1"' in answered and SUCCESS in answered
    assert is_signed_in(signed_in) is not ended


def test_a_session_of_the_provider_with_a_long_name_ends_as_well(
    forge: Callable[..., Provider], visitor: Visitor
) -> None:
    provider, index = forge(), "i" * 400
    visitor.go(provider)
    visitor.bring(provider, answer(provider, visitor, session_index=index).root())
    assert is_signed_in(visitor)
    hear(signed(request(index=index)))
    assert not is_signed_in(visitor)


def test_an_answer_to_no_logout_request_is_refused(signed_in: Visitor) -> None:
    xml = f"""<p:LogoutResponse xmlns:p="{PROTOCOL}" ID="_r" Version="2.0" IssueInstant="{instant()}"
 Destination="{SLO}" InResponseTo="_x"><Issuer xmlns="{SAML}">https://forge.example.com/metadata</Issuer>
 <p:Status><p:StatusCode Value="{SUCCESS}"/></p:Status></p:LogoutResponse>"""
    assert hear(signed(xml, kind="SAMLResponse")).status_code == 400
    assert why() == "unknown_request"
    assert hear(unsigned(signed(xml, kind="SAMLResponse"))).status_code == 403
    assert why() == "unsigned"


def test_a_provider_that_names_no_address_for_the_answer_gets_none(signed_in: Visitor) -> None:
    row = Provider.objects.with_settings().get(alias="forge").saml
    row.metadata_xml = re.sub(r"<SingleLogoutService[^>]*>", "", row.metadata_xml)
    row.save()
    assert hear(signed(request()))["Location"] == "/sign-in/"
    assert not is_signed_in(signed_in)


# --- Of a provider that was disabled meanwhile ------------------------------------------------------------------------


def told_to_sign_out(visitor: Visitor) -> str:
    """Sign out here, and say the id of the request that goes to the provider."""
    asked = parse_qs(query_of(away(visitor.client.post("/sign-out/"))))["SAMLRequest"][0]
    found = re.search(rb' ID="([^"]+)"', zlib.decompress(base64.b64decode(asked), -15))
    assert found
    return found[1].decode()


def response(request_id: str, *, issuer: str = "https://forge.example.com/metadata") -> str:
    return f"""<p:LogoutResponse xmlns:p="{PROTOCOL}" ID="_r" Version="2.0" IssueInstant="{instant()}"
 Destination="{SLO}" InResponseTo="{request_id}"><Issuer xmlns="{SAML}">{issuer}</Issuer>
 <p:Status><p:StatusCode Value="{SUCCESS}"/></p:Status></p:LogoutResponse>"""


def test_a_disabled_provider_still_signs_people_out(signed_in: Visitor) -> None:
    Provider.objects.filter(alias="forge").update(enabled=False)
    assert hear(signed(request())).status_code == 302
    assert not is_signed_in(signed_in)


def test_and_people_still_sign_out_there(signed_in: Visitor) -> None:
    Provider.objects.filter(alias="forge").update(enabled=False)
    query = signed(response(told_to_sign_out(signed_in)), kind="SAMLResponse")
    landed = signed_in.client.get("/sso/forge/slo/", QUERY_STRING=query, follow=True)
    assert b"You are signed out, at Forge as well." in landed.content


def test_whoever_signed_out_is_told_so_whatever_the_provider_answers(signed_in: Visitor) -> None:
    xml = response(told_to_sign_out(signed_in), issuer="https://other.example.com/")
    page = signed_in.client.get("/sso/forge/slo/", QUERY_STRING=signed(xml, kind="SAMLResponse"))
    assert page.status_code == 403 and why() == "wrong_issuer"
    assert b"You are signed out here. What Forge answered was refused." in page.content
    assert page.headers["X-Request-Id"].encode() in page.content


def test_who_is_signed_in_is_not_told_otherwise_by_a_forged_answer(signed_in: Visitor) -> None:
    page = signed_in.client.get("/sso/forge/slo/", QUERY_STRING=signed(response("_x"), kind="SAMLResponse"))
    assert b"nobody was signed out by it" in page.content and is_signed_in(signed_in)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("SAMLRequest", b"The sign-out message was refused; nobody was signed out by it."),
        ("SAMLResponse", b"You are signed out here. What Forge answered was refused."),
    ],
)
def test_a_sign_out_that_comes_as_a_form_is_refused_in_a_sentence(signed_in: Visitor, kind: str, says: bytes) -> None:
    elsewhere = Client(enforce_csrf_checks=True)
    page = elsewhere.post("/sso/forge/slo/", {kind: base64.b64encode(request().encode()).decode()})
    assert (page.status_code, why()) == (403, "wrong_binding") and says in page.content
    assert "HTTP-Redirect" in Entry.objects.latest("pk").details["sentence"]
    assert page.headers["X-Request-Id"].encode() in page.content
    assert is_signed_in(signed_in)


def test_a_form_without_a_message_is_nothing_to_record(signed_in: Visitor) -> None:
    before = Entry.objects.count()
    assert Client(enforce_csrf_checks=True).post("/sso/forge/slo/").status_code == 400
    assert Entry.objects.count() == before
