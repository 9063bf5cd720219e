"""Identity providers: a real one as a process, and one whose answers are made by hand; both with rows of ours."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from sso.models import Provider, SigningKey
from tests.services.saml import IdentityProvider, key_and_certificate
from tests.sso.conftest import MakeProvider
from tests.sso.saml.attacks import Answer, Element, message

FORGED_BY = "https://forge.example.com/metadata"
SIGN_IN_AT = "https://forge.example.com/sso?tenant=1&kind=web"
LOGOUT_AT = "https://forge.example.com/logout"
US = "https://agora.example.com/sp"


@pytest.fixture
def our_key(db: None) -> SigningKey:
    """Our signing key; making one takes most of a second, so there is one for all the tests."""
    private, certificate = key_and_certificate("us")
    at = timezone.now()
    until = at + timedelta(days=2)
    return SigningKey.objects.create(
        state="active", certificate=certificate, private_key=private, created_at=at, not_after=until
    )


def our_certificate() -> str:
    return key_and_certificate("us")[1]


@pytest.fixture(scope="session")
def identity_provider() -> Iterator[IdentityProvider]:
    running = IdentityProvider()
    yield running
    running.stop()


@pytest.fixture
def idp(identity_provider: IdentityProvider) -> IdentityProvider:
    """The running one, as it was in the beginning."""
    identity_provider.parties = {}
    identity_provider.change(encrypt=False, signed=False, response=False, assertion=True, accounts={}, parties={})
    return identity_provider


def metadata(entity_id: str, key: str, *, logout: bool = True, also: str = "") -> str:
    """Metadata of a provider that signs with the key of this name."""
    certificate = "".join(key_and_certificate(key)[1].split("-----")[2].split())
    redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    slo = f'<SingleLogoutService Binding="{redirect}" Location="{LOGOUT_AT}"/>' if logout else ""
    at = SIGN_IN_AT.replace("&", "&amp;")
    return f"""<EntityDescriptor entityID="{entity_id}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata"{also}>
 <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>
   {certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>{slo}
  <SingleSignOnService Binding="{redirect}" Location="{at}"/>
 </IDPSSODescriptor></EntityDescriptor>"""


class Visitor:
    """A browser of somebody who is not signed in, at a server of ours."""

    def __init__(self, **headers: Any) -> None:
        self.client = Client(**headers)
        self.relay_state = self.request_id = ""
        self.acs = ""

    def go(self, provider: Provider, *, path: str = "") -> str:
        """Press the provider's button: the address that the browser is sent to."""
        answer = self.client.post(f"/sso/{provider.alias}/login/", {"next": path})
        assert answer.status_code == 200, answer.content
        found = re.search(r'id="away" href="([^"]+)"', answer.content.decode())
        assert found
        return self.read(unescape(found[1]))

    def read(self, address: str) -> str:
        """What the address asks the provider."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        request = etree.fromstring(Utils.decode_base64_and_inflate(asked["SAMLRequest"]))
        self.request_id, self.relay_state = request.get("ID"), asked["RelayState"]
        self.acs = request.get("AssertionConsumerServiceURL")
        return address

    def bring(self, provider: Provider, answer: Element | str, *, relay_state: str | None = None) -> HttpResponse:
        """What the provider's page posts, without any cookie of ours: browsers don't send them along (SameSite=Lax)."""
        sent = {"SAMLResponse": answer if isinstance(answer, str) else message(answer)}
        sent["RelayState"] = self.relay_state if relay_state is None else relay_state
        posted = Client().post(f"/sso/{provider.alias}/acs/", sent)
        # The session that this browser may have is none of the other site's business.
        assert not {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} & set(posted.cookies)
        if posted.status_code != 303:
            return posted
        return self.client.get(posted["Location"])  # type: ignore[return-value]


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


class Hall:
    """The real provider with a row of ours."""

    def __init__(self, idp: IdentityProvider, make: MakeProvider) -> None:
        self.idp, self.make = idp, make

    def __call__(self, alias: str = "hospital", **fields: Any) -> Provider:
        known = {"metadata_url": self.idp.metadata, "idp_entity_id": self.idp.entity_id, "sp_entity_id": US}
        provider = self.make("saml", alias, **known | fields)
        self.idp.register(
            provider.saml.sp_entity_id,
            acs=f"http://testserver/sso/{alias}/acs/",
            slo=f"http://testserver/sso/{alias}/slo/",
            certificate=self.certificate(alias),
        )
        return provider

    def certificate(self, alias: str) -> str:
        """Ours, as the provider's administrators read it from our metadata."""
        root = etree.fromstring(Client().get(f"/sso/{alias}/metadata/").content)
        body = root.find(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate").text
        return str(Utils.format_cert(body))

    def pages(self, address: str, login: str, browser: requests.Session | None = None) -> tuple[str, dict[str, str]]:
        """What a person does at the provider: the address that its page posts to, and the fields."""
        browser = browser or requests.Session()
        page = browser.get(address, timeout=10).text
        if "Provider sign-in" in page:
            following = unescape(re.search(r'name="next" value="([^"]*)"', page)[1])  # type: ignore[index]
            page = browser.post(f"{self.idp.entity_id}/sign-in", {"next": following, "login": login}, timeout=10).text
        fields = dict(re.findall(r'name="(SAMLResponse|RelayState)"\s+value="([^"]*)"', page))
        target = re.search(r'action="([^"]+)"', page)
        assert target, page
        return unescape(target[1]), {name: unescape(value) for name, value in fields.items()}


@pytest.fixture
def hall(idp: IdentityProvider, provider: MakeProvider, our_key: SigningKey) -> Hall:
    return Hall(idp, provider)


@pytest.fixture
def forge(provider: MakeProvider, our_key: SigningKey) -> Callable[..., Provider]:
    """``forge("lab")``: a provider whose answers are made by hand; its key is called "provider"."""

    def made(alias: str = "forge", *, key: str = "provider", entity_id: str = FORGED_BY, **fields: Any) -> Provider:
        xml = metadata(entity_id, key)
        known = {"metadata_url": "", "metadata_xml": xml, "idp_entity_id": entity_id, "sp_entity_id": US}
        return provider("saml", alias, **known | fields)

    return made


def answer(provider: Provider, visitor: Visitor, **fields: Any) -> Answer:
    """The right answer to what this visitor asked."""
    known: dict[str, Any] = {"issuer": provider.saml.idp_entity_id, "audience": provider.saml.sp_entity_id}
    known |= {"acs": f"http://testserver/sso/{provider.alias}/acs/", "request_id": visitor.request_id}
    return Answer(**known | fields)
