"""Our own metadata, as each provider reads it (SAML Metadata 2.0)."""

from django.http import HttpRequest
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.metadata import OneLogin_Saml2_Metadata as Metadata

from agora.base.actor import Actor
from sso.models import Provider
from sso.saml.keys import active_key, announced
from sso.saml.toolkit import Addresses, escaped

CACHED_FOR = "P1D"  # a next key is known everywhere a day after it was announced


def describe(request: HttpRequest, provider: Provider, *, actor: Actor) -> bytes:
    """Entity id, addresses, and every key that we sign with or will; the one that signs stands first."""
    active_key(actor=actor)
    at = Addresses.of(request, provider.alias)
    ours = {
        "entityId": provider.saml.sp_entity_id,
        "assertionConsumerService": {"url": at.acs, "binding": Constants.BINDING_HTTP_POST},
        "singleLogoutService": {"url": at.slo, "binding": Constants.BINDING_HTTP_REDIRECT},
        "NameIDFormat": Constants.NAMEID_UNSPECIFIED,
    }
    xml = Metadata.builder(
        escaped(ours), authnsign=provider.saml.sign_requests, wsign=True, valid_until="", cache_duration=CACHED_FOR
    )
    for key in reversed(announced()):
        xml = Metadata.add_x509_key_descriptors(xml, key.certificate, add_encryption=True)
    return xml if isinstance(xml, bytes) else str(xml).encode()
