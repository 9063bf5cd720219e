"""Metadata: theirs, fetched within limits and kept beside the last good copy; ours, with our keys."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from lxml import etree

from agora.base.actor import Actor
from audit.models import Entry
from sso import limits
from sso.models import Provider, Saml, SigningKey
from sso.saml import copies, keys
from sso.saml.metadata import BadMetadata, download, entity_ids, is_safe, understand
from sso.services import testing
from sso.tasks import renew_metadata
from tests.sso.conftest import MakeProvider
from tests.sso.saml.conftest import FORGED_BY, US, Visitor, answer, metadata

ACTOR = Actor.system()
EMPTY = re.compile(r"<X509Certificate>.*?</X509Certificate>", re.DOTALL)


class Pages:
    """A web server on loopback that answers what the test says."""

    def __init__(self) -> None:
        pages = self
        self.body, self.status, self.location = b"", 200, ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(pages.status)
                if pages.location:
                    self.send_header("Location", pages.location)
                self.send_header("Content-Length", str(len(pages.body)))
                self.end_headers()
                self.wfile.write(pages.body)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/metadata"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def pages() -> Iterator[Pages]:
    running = Pages()
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.example.com/metadata", True),
        ("http://id.example.com/metadata", False),
        ("http://127.0.0.1:8080/metadata", True),
        ("http://[::1]/metadata", True),
        ("http://localhost/metadata", True),
        ("http://localhost.example.com/", False),
        ("file:///etc/passwd", False),
        ("ftp://id.example.com/", False),
        ("https:///metadata", False),
        ("http://[::1", False),
    ],
)
def test_trust_comes_by_https(url: str, safe: bool) -> None:
    assert is_safe(url) is safe


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"status": 404}, "status 404"),
        ({"body": b"x" * 2_100_000}, "more than 2 MB"),
        ({"body": b"\xff\xff"}, "not encoded in UTF-8"),
        ({"status": 302, "location": "http://169.254.169.254/"}, "sends on"),
    ],
    ids=str,
)
def test_what_can_t_be_had_is_said(pages: Pages, answer: dict[str, Any], says: str) -> None:
    for name, value in answer.items():
        setattr(pages, name, value)
    with pytest.raises(BadMetadata, match=says):
        download(pages.url)


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", "can't be read"),
        ("<x/>", "no identity provider at all"),
        (metadata("https://other.example.com/", "provider"), "other.example.com"),
        (metadata(FORGED_BY, "provider", also=' validUntil="2020-01-01T00:00:00Z"'), "valid until"),
        *(
            (metadata(FORGED_BY, "provider", also=f' validUntil="{end}"'), says)
            for end, says in {
                "2020-01-01T00:00:00": "valid until",
                " 2020-01-01T00:00:00.1Z ": "valid until",
                "2020-13-45T00:00:00Z": "is no time",
                "2099-02-30T00:00:00Z": "is no time",
                "soon": "is no time",
                "": "is no time",
            }.items()
        ),
        (
            metadata(FORGED_BY, "provider").replace("<IDPSSODescriptor", '<IDPSSODescriptor validUntil="2020-01-01"'),
            "valid until",
        ),
        (EMPTY.sub("<X509Certificate/>", metadata(FORGED_BY, "provider")), "incomplete"),
        (metadata(FORGED_BY, "provider").replace('use="signing"', 'use="encryption"'), "no certificate"),
        (metadata(FORGED_BY, "provider").replace("HTTP-Redirect", "HTTP-Artifact"), "by redirect or form"),
        (metadata(FORGED_BY, "provider").replace("https://forge.example.com/sso", "javascript:x"), "by redirect"),
        (metadata(FORGED_BY, "provider").replace("https://forge.example.com/sso", "https://[x"), "by redirect"),
        ("<!DOCTYPE x>" + metadata(FORGED_BY, "provider"), "DTD"),
        (f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{metadata(FORGED_BY, "provider")}', "another file"),
    ],
)
def test_what_can_t_be_used_is_said(xml: str, says: str) -> None:
    with pytest.raises(BadMetadata, match=says):
        understand(xml, FORGED_BY)


def test_one_provider_of_a_federation_is_found_by_its_entity_id() -> None:
    both = metadata("https://one.example.com/", "other") + metadata(FORGED_BY, "provider")
    xml = f'<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">{both}</EntitiesDescriptor>'
    facts, other = understand(xml, FORGED_BY), understand(xml, "https://one.example.com/")
    assert facts.certificates != other.certificates
    assert facts.sign_in == "https://forge.example.com/sso?tenant=1&kind=web"
    assert entity_ids(xml) == ["https://one.example.com/", FORGED_BY]


def with_another_role(xml: str) -> str:
    """Of one that is a service provider as well, with a key and an address of that role before the others."""
    redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    at = "https://forge.example.com/as-service"
    key = xml[xml.index("<KeyDescriptor") : xml.index("</KeyDescriptor>")] + "</KeyDescriptor>"
    role = f'<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{key}' + (
        f'<SingleLogoutService Binding="{redirect}" Location="{at}" ResponseLocation="{at}/answer"/></SPSSODescriptor>'
    )
    return xml.replace("<IDPSSODescriptor", f"{role}<IDPSSODescriptor")


def test_what_a_provider_says_of_another_role_of_its_own_is_not_taken() -> None:
    plain = metadata(FORGED_BY, "provider")
    assert understand(with_another_role(plain), FORGED_BY) == understand(plain, FORGED_BY)
    encrypting = plain.replace('use="signing"', 'use="encryption"')
    with pytest.raises(BadMetadata, match="no certificate"):
        understand(with_another_role(encrypting).replace('use="encryption"', 'use="signing"', 1), FORGED_BY)


def test_metadata_that_turns_bad_leaves_the_last_good_copy(pages: Pages, provider: MakeProvider) -> None:
    known = {"metadata_url": pages.url, "idp_entity_id": FORGED_BY, "sp_entity_id": US}
    lab = provider("saml", "lab", **known)
    pages.body = good = metadata(FORGED_BY, "provider").encode()
    assert copies.renew_due(actor=ACTOR) == 1
    assert Entry.objects.get(event="provider.metadata_renewed").outcome == "success"
    assert copies.renew_due(actor=ACTOR) == 0, "not again for some hours"
    for body in (b"<x/>", metadata("https://evil.example.com/", "attacker").encode()):
        pages.body = body
        lab.refresh_from_db()
        with pytest.raises(BadMetadata):
            copies.renew(lab, actor=ACTOR)
        assert Saml.objects.get(pk=lab.pk).metadata_copy == good.decode()
    assert Entry.objects.filter(event="provider.metadata_renewed", outcome="failed").count() == 2
    pages.body = metadata(FORGED_BY, "other").encode()
    copies.renew(lab, actor=ACTOR)
    assert Saml.objects.get(pk=lab.pk).metadata_copy == pages.body.decode()


def test_broken_metadata_of_one_provider_keeps_no_other_from_being_renewed(
    pages: Pages, provider: MakeProvider
) -> None:
    broken = EMPTY.sub("<X509Certificate/>", metadata("https://bad.example.com/", "provider"))
    both = broken + metadata(FORGED_BY, "provider")
    around = '<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">'
    pages.body = f"{around}{both}</EntitiesDescriptor>".encode()
    known = {"metadata_url": pages.url, "sp_entity_id": US}
    bad = provider("saml", "bad", idp_entity_id="https://bad.example.com/", **known)
    provider("saml", "good", idp_entity_id=FORGED_BY, **known)
    assert copies.renew_due(actor=ACTOR) == 1
    assert Saml.objects.get(metadata_copy="").pk == bad.pk
    assert "incomplete" in Entry.objects.get(event="provider.metadata_renewed", outcome="failed").details["reason"]


def test_an_error_that_nobody_foresaw_is_told_when_the_others_are_renewed(
    pages: Pages, provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.body = metadata(FORGED_BY, "provider").encode()
    provider("saml", "bad", metadata_url=pages.url, sp_entity_id=US, idp_entity_id="https://bad.example.com/")
    good = provider("saml", "good", metadata_url=pages.url, sp_entity_id=US, idp_entity_id=FORGED_BY)
    monkeypatch.setattr(copies, "understand", lambda xml, name: {FORGED_BY: understand(xml, FORGED_BY)}[name])
    with pytest.raises(KeyError):
        copies.renew_due(actor=ACTOR)
    assert Saml.objects.exclude(metadata_copy="").get().pk == good.pk


def test_a_provider_that_does_not_answer_is_said_to_be_silent(provider: MakeProvider, visitor: Visitor) -> None:
    provider("saml", "lab", metadata_url="http://127.0.0.1:9/metadata", idp_entity_id=FORGED_BY, sp_entity_id=US)
    page = visitor.client.post("/sso/lab/login/")
    assert page.status_code == 503
    assert b"Lab does not answer" in page.content
    assert Entry.objects.get(event="session.opened").details["reason"] == "unreachable"
    assert visitor.client.get("/sign-in/").status_code == 200


def test_a_provider_that_was_not_asked_is_not_said_to_be_silent(
    pages: Pages, provider: MakeProvider, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_waiting", [0.0] * limits.AT_ONCE)  # for long
    provider("saml", "lab", metadata_url=pages.url, idp_entity_id=FORGED_BY, sp_entity_id=US)
    page = visitor.client.post("/sso/lab/login/")
    assert page.status_code == 503
    assert b"Lab can't be asked at the moment." in page.content
    assert Entry.objects.get(event="session.opened").details["reason"] == "busy"


def test_our_metadata_names_our_addresses_and_keys(forge: Callable[..., Provider], our_key: SigningKey) -> None:
    forge(sp_entity_id="https://agora.example.com/?a=1&b=2", sign_requests=True)
    answer = Client().get("/sso/forge/metadata/")
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    root = etree.fromstring(answer.content)
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    assert not isinstance(OneLogin_Saml2_XML.validate_xml(answer.content, "saml-schema-metadata-2.0.xsd"), str)
    assert root.get("entityID") == "https://agora.example.com/?a=1&b=2"
    assert root.get("validUntil") is None, "a copy of it must not stop working"
    text = answer.content.decode()
    assert 'Location="http://testserver/sso/forge/acs/"' in text
    assert 'Location="http://testserver/sso/forge/slo/"' in text
    assert 'AuthnRequestsSigned="true"' in text
    assert text.count('use="signing"') == text.count('use="encryption"') == 1
    assert "PRIVATE" not in text


def bodies(xml: bytes) -> list[str]:
    root = etree.fromstring(xml)
    return [one.text for one in root.iterfind('.//{*}KeyDescriptor[@use="signing"]//{*}X509Certificate')]


def body(key: SigningKey) -> str:
    return "".join(key.certificate.split("-----")[2].split())


def test_our_key_is_made_on_first_use_and_renewed_with_overlap(provider: MakeProvider) -> None:
    xml = metadata(FORGED_BY, "provider")
    provider("saml", "lab", metadata_url="", metadata_xml=xml, idp_entity_id=FORGED_BY, sp_entity_id=US)
    assert not SigningKey.objects.exists()
    [first] = bodies(Client().get("/sso/lab/metadata/").content)
    active = keys.active_key(actor=ACTOR)
    assert body(active) == first and active.not_after > timezone.now()
    assert "PRIVATE KEY" in active.private_key
    with pytest.raises(keys.NothingAnnounced):
        keys.switch_key(actor=ACTOR)
    following = keys.announce_key(actor=ACTOR)
    assert bodies(Client().get("/sso/lab/metadata/").content) == [first, body(following)]
    with pytest.raises(keys.AlreadyAnnounced):
        keys.announce_key(actor=ACTOR)
    keys.switch_key(actor=ACTOR)
    assert bodies(Client().get("/sso/lab/metadata/").content) == [body(following)]
    assert [pair.certificate for pair in keys.pairs(actor=ACTOR)] == [following.certificate, active.certificate]
    with pytest.raises(keys.StillOverlapping):
        keys.announce_key(actor=ACTOR)
    keys.retire_key(actor=ACTOR)
    assert [pair.certificate for pair in keys.pairs(actor=ACTOR)] == [following.certificate]
    made = Entry.objects.filter(event__startswith="signing_key.").order_by("pk").values_list("event", flat=True)
    assert list(made) == [f"signing_key.{what}" for what in ("made", "made", "switched", "retired")]
    assert "PRIVATE" not in "".join(str(entry.details) for entry in Entry.objects.all())


def test_a_new_key_of_the_provider_has_the_metadata_renewed(
    pages: Pages,
    provider: MakeProvider,
    our_key: SigningKey,
    visitor: Visitor,
    django_capture_on_commit_callbacks: Any,
) -> None:
    pages.body = metadata(FORGED_BY, "provider").encode()
    lab = provider("saml", "lab", metadata_url=pages.url, idp_entity_id=FORGED_BY, sp_entity_id=US)
    visitor.go(lab)
    pages.body = metadata(FORGED_BY, "other").encode()
    Saml.objects.update(metadata_fetched_at=timezone.now() - timedelta(minutes=10))
    with django_capture_on_commit_callbacks() as told:
        assert visitor.bring(lab, answer(lab, visitor, by="other").root()).status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "unknown_key"
    assert len(told) == 1, "a worker is woken"
    renew_metadata.apply(args=[lab.pk])
    visitor.go(lab)
    with django_capture_on_commit_callbacks() as told:
        assert visitor.bring(lab, answer(lab, visitor, by="attacker").root()).status_code == 403
    assert told == [], "not by everybody who sends nonsense"
    visitor.go(lab)
    assert visitor.bring(lab, answer(lab, visitor, by="other").root()).status_code == 302


def test_a_copy_of_another_address_does_not_count(pages: Pages, provider: MakeProvider) -> None:
    pages.body = metadata(FORGED_BY, "provider").encode()
    lab = provider("saml", "lab", metadata_url=pages.url, idp_entity_id=FORGED_BY, sp_entity_id=US)
    before = testing.digest_of(lab)
    copies.renew(lab, actor=ACTOR)
    assert testing.digest_of(lab) == before, "a renewed copy is as tested as the settings are"
    assert copies.known_facts(lab)
    lab.saml.metadata_url = f"{pages.url}/new"
    assert copies.known_facts(lab) is None
    assert testing.digest_of(lab) != before
