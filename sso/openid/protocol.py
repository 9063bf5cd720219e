"""OpenID Connect as one of the kinds of providers that people are sent to."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from agora.base.actor import Actor
from settings_admin.models import ServerSettings
from sso.models import Provider, Report
from sso.openid.client import Begin, Client
from sso.openid.discovery import FRESH, Endpoints, discover
from sso.services.begun import begin

LONGEST_HINT = 4_000  # characters; a longer address is refused by common servers


class OpenId:
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
        # Whoever tests sees what the provider says now, not what it said some minutes ago.
        endpoints = discover(provider.openid.discovery_endpoint, within=0.0 if report else FRESH)
        asked = Begin(provider.openid, endpoints, redirect_uri=redirect_uri(request, provider))
        address, state, noted = asked.address(request)
        begin(provider, request=request, request_id=state, data=noted, actor=actor, next_path=next_path, report=report)
        return address

    def start_again(
        self, request: HttpRequest, provider: Provider, *, asked: dict[str, Any], actor: Actor, next_path: str
    ) -> str:
        """``max_age`` makes the provider say when it asked (OpenID Connect Core 1.0, 3.1.2.1)."""
        endpoints = discover(provider.openid.discovery_endpoint, within=FRESH)
        back = redirect_uri(request, provider)
        again = Begin(provider.openid, endpoints, redirect_uri=back, prompt="login", max_age="0")
        address, state, noted = again.address(request)
        data = {**noted, "again": asked}
        begin(provider, request=request, request_id=state, data=data, actor=actor, next_path=next_path)
        return address

    def leave(self, request: HttpRequest, provider: Provider, kept: Mapping[str, str]) -> str:
        """OpenID Connect RP-Initiated Logout 1.0, 2."""
        address, token = kept.get("end_session", ""), kept.get("id_token", "")
        if not address:
            return ""
        asked = {
            "client_id": provider.openid.client_id,
            "post_logout_redirect_uri": request.build_absolute_uri(reverse("accounts:sign-in")),
        }
        if token and len(token) <= LONGEST_HINT:
            asked["id_token_hint"] = token
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"

    def addresses(self, provider: Provider) -> list[tuple[str, str]]:
        absolute = ServerSettings.load().absolute
        return [
            (_("Callback URL"), absolute(reverse("sso:openid-callback", args=[provider.alias]))),
            (_("Address after signing out"), absolute(reverse("accounts:sign-in"))),
            (_("Back-channel logout URL"), absolute(reverse("sso:openid-back-channel-logout", args=[provider.alias]))),
        ]


PROTOCOL = OpenId()


def redirect_uri(request: HttpRequest, provider: Provider) -> str:
    """Where the provider sends the browser back to: by the name under which it came, whose cookies it has."""
    return request.build_absolute_uri(reverse("sso:openid-callback", args=[provider.alias]))


def keep(client: Client, endpoints: Endpoints) -> dict[str, str]:
    """What ``leave`` will need; the provider is not asked again then."""
    if not endpoints.end_session:
        return {}
    return {"end_session": endpoints.end_session, "id_token": client.id_token}
