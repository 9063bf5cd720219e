"""SAML as one of the kinds of providers that people are sent to."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from onelogin.saml2.auth import OneLogin_Saml2_Auth as Auth
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from agora.base.actor import Actor
from settings_admin.models import ServerSettings
from sso.claims import NothingBegun, ProviderRefused
from sso.models import Begun, Kind, Provider, Report
from sso.saml.copies import facts_of, fresh_facts, known_facts
from sso.saml.keys import pairs
from sso.saml.logout import logout_address
from sso.saml.metadata import BadMetadata, IdentityProvider
from sso.saml.toolkit import Addresses, OurAuthnRequest, Sides, as_received
from sso.services.begun import begin, check_browser, digest_of

ASKED, ARRIVED, LEAVING = "asked", "arrived", "leaving"  # what a row of Begun stands for


class SamlProtocol:
    """See ``sso.services.protocols.Away``."""

    def start(
        self,
        request: HttpRequest,
        provider: Provider,
        *,
        actor: Actor,
        next_path: str = "",
        report: Report | None = None,
    ) -> str:
        remembered: dict[str, Any] = {"stage": ASKED, "relay_state": secrets.token_urlsafe(24)}
        if report is None:
            facts = facts_of(provider, actor=actor)
        else:
            # Whoever tests sees what the provider says now; the answer is checked against the same.
            facts = _or_refused(provider)
            remembered["facts"] = asdict(facts)
        sides = sides_of(provider, facts, request, actor=actor)
        address, request_id = _asked(request, provider, sides, remembered)
        begin(
            provider,
            request=request,
            request_id=request_id,
            data=remembered,
            actor=actor,
            next_path=next_path,
            report=report,
        )
        return address

    def start_again(
        self, request: HttpRequest, provider: Provider, *, asked: dict[str, Any], actor: Actor, next_path: str
    ) -> str:
        """``ForceAuthn``: whoever is signed in there is asked as well (SAML Core 3.4.1)."""
        sides = sides_of(provider, facts_of(provider, actor=actor), request, actor=actor)
        remembered: dict[str, Any] = {"stage": ASKED, "relay_state": secrets.token_urlsafe(24), "again": asked}
        address, request_id = _asked(request, provider, sides, remembered, force=True)
        begin(provider, request=request, request_id=request_id, data=remembered, actor=actor, next_path=next_path)
        return address

    def leave(self, request: HttpRequest, provider: Provider, kept: Mapping[str, str]) -> str:
        """SAML Profiles 4.4.3.1, from the last good copy of the metadata alone."""
        facts = known_facts(provider)
        if facts is None or not facts.logout or not kept.get("name_id"):
            return ""
        actor: Actor = request.actor  # type: ignore[attr-defined]
        try:
            sides = sides_of(provider, facts, request, actor=actor)
            relay_state = secrets.token_urlsafe(24)
            address, request_id = logout_address(sides, dict(kept), relay_state=relay_state)
            data = {"stage": LEAVING, "relay_state": relay_state}
            begin(provider, request=request, request_id=request_id, data=data, actor=actor)
        except (ProviderRefused, OneLogin_Saml2_Error):
            return ""
        return address

    def addresses(self, provider: Provider) -> list[tuple[str, str]]:
        absolute = ServerSettings.load().absolute
        labels = {
            "sso:saml-acs": _("Assertion Consumer Service (ACS) URL, HTTP-POST"),
            "sso:saml-slo": _("Single Logout (SLO) URL, HTTP-Redirect"),
            "sso:saml-metadata": _("Metadata of this server"),
        }
        return [(label, absolute(reverse(name, args=[provider.alias]))) for name, label in labels.items()]


PROTOCOL = SamlProtocol()


def _or_refused(provider: Provider) -> IdentityProvider:
    try:
        return fresh_facts(provider.saml)
    except BadMetadata as bad:
        raise ProviderRefused("bad_metadata", str(bad)) from None


def sides_of(provider: Provider, facts: IdentityProvider, request: HttpRequest, *, actor: Actor) -> Sides:
    """Both sides, as this browser reaches us. Raises ProviderRefused when our key can't be read."""
    return Sides(
        provider=facts,
        sp_entity_id=provider.saml.sp_entity_id,
        addresses=Addresses.of(request, provider.alias),
        pairs=pairs(actor=actor),
        sign_requests=provider.saml.sign_requests or facts.wants_signed_requests,
    )


def _asked(
    request: HttpRequest, provider: Provider, sides: Sides, remembered: dict[str, Any], *, force: bool = False
) -> tuple[str, str]:
    """Where the browser goes to sign in, and the id of the request (SAML Bindings 3.4).

    A provider that takes forms only (3.5) is reached by a page of ours; ``remembered`` gets what it sends.
    """
    settings, relay_state = sides.settings(sides.pairs[0]), remembered["relay_state"]
    asked, received = OurAuthnRequest(settings, force=force), as_received(sides.addresses.acs)
    request_id = str(asked.get_id())
    if sides.provider.posts:
        xml = asked.get_xml()
        if sides.sign_requests:
            xml = Utils.add_sign(xml, sides.pairs[0].private_key, sides.pairs[0].certificate)
        remembered["form"] = {"SAMLRequest": Utils.b64encode(xml), "RelayState": relay_state}
        remembered["form_goes_to"] = sides.provider.sign_in
        path = reverse("sso:saml-post", args=[provider.alias])
        return request.build_absolute_uri(f"{path}?{urlencode({'request': request_id})}"), request_id
    parameters = {"SAMLRequest": asked.get_request(), "RelayState": relay_state}
    if sides.sign_requests:
        Auth(received, settings).add_request_signature(parameters)
    return str(Utils.redirect(sides.provider.sign_in, parameters, received)), request_id


def form_of(request: HttpRequest, alias: str, request_id: str) -> tuple[str, dict[str, str]]:
    """(address, fields) of the form that brings this browser to the provider. Raises ProviderRefused."""
    row = Begun.objects.filter(kind=Kind.SAML, alias=alias, request_digest=digest_of(request_id)).first()
    remembered = json.loads(str(row.data)) if row is not None else {}
    if row is None or "form" not in remembered:
        raise NothingBegun
    check_browser(row, request)
    return remembered["form_goes_to"], remembered["form"]
