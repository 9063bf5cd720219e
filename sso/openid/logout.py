"""The provider tells that somebody signed out there (OpenID Connect Back-Channel Logout 1.0)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.actor import Actor
from audit.events import event
from audit.models import Outcome
from audit.services import record
from sso.claims import ProviderRefused
from sso.models import Provider, Seen
from sso.openid.discovery import discover
from sso.openid.tokens import LEEWAY, header_of, verified
from sso.services import floods
from sso.services.leaving import end_sessions_of

REFUSED = event("provider.sign_out_refused", gettext_lazy("Sign-out told by a provider refused"))

EVENT = "http://schemas.openid.net/event/backchannel-logout"
NEEDED = ("iss", "aud", "iat", "jti", "events")
VALID = timedelta(minutes=10)  # from when it was issued, for providers of before 2022 which name no end (2.4)
LONGEST = timedelta(days=1)  # that a token may be good for, for so long its id is kept


def hear(provider: Provider, token: str, *, actor: Actor) -> int:
    """End the sessions that the logout token is about, once; returns how many. Raises ProviderRefused."""
    actor = replace(actor, account=None, impersonator=None, session_id=None, name=provider.name)
    try:
        subject, session_id = _check(provider, token, now=actor.at)
    except ProviderRefused as refused:
        if not floods.is_worth_an_entry(REFUSED, actor=actor):
            raise
        record(
            REFUSED, actor=actor, target=provider, outcome=Outcome.FAILED, reason=refused.reason, sentence=str(refused)
        )
        raise
    floods.forget(actor=actor)
    return end_sessions_of(provider, subject=subject, session_id=session_id, actor=actor)


def _check(provider: Provider, token: str, *, now: datetime) -> tuple[str, str]:
    """Subject and session that the token names, one of them at least (2.6)."""
    header_of(token)  # for what is no token nobody is asked
    endpoints = discover(provider.openid.discovery_endpoint)
    claims = verified(token, endpoints, provider.openid.client_id, require=NEEDED)
    events = claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise ProviderRefused("no_logout_event", _("The token is no logout token (events)."))
    if "nonce" in claims:
        raise ProviderRefused("nonce_in_logout", _("The token has a nonce: it is an ID token, no logout token."))
    until = datetime.fromtimestamp(claims["iat"], UTC) + VALID
    if "exp" in claims:
        until = datetime.fromtimestamp(claims["exp"], UTC)
        if until > now + LONGEST:
            raise ProviderRefused("too_long", _("The token is good for more than a day (exp)."))
    elif until + LEEWAY <= now:
        raise ProviderRefused("expired", _("The token was issued more than ten minutes ago."))
    subject, session_id = claims.get("sub", ""), claims.get("sid", "")
    if not isinstance(session_id, str) or not (subject or session_id) or "\0" in subject + session_id:
        raise ProviderRefused("nobody_named", _("The token names neither a person (sub) nor a session (sid)."))
    if not isinstance(claims["jti"], str) or not claims["jti"]:
        raise ProviderRefused("missing_jti", _("The token lacks the claim jti."))
    if not Seen.objects.once(provider, "logout", claims["jti"], until + LEEWAY):
        raise ProviderRefused("replayed", _("The token was used before."))
    return subject, session_id
