"""Somebody comes back from a provider: into the session, to the step that is still missing, or refused."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.services.sign_in import OPENED
from accounts.views.sign_in import go_on
from agora.base.actor import Actor
from audit.models import Outcome
from audit.services import record
from sessions_admin.models import Method
from sessions_admin.store import Way
from sso.claims import Person, ProviderRefused
from sso.models import Provider
from sso.services import floods
from sso.services.leaving import LONGEST, end_sessions_of
from sso.services.mapping import Mapping as Mapped
from sso.services.mapping import decide, settle

__all__ = ["arrive", "decide", "end_sessions_of", "refuse", "way_of"]


def way_of(provider: Provider, person: Person, method: Method) -> Way:
    """What the session's row will say of this sign-in."""
    return Way(
        method=method,
        asks_second_factor=provider.asks_second_factor,
        provider_id=provider.pk,
        provider_name=provider.name,
        provider_session=person.session_id[:LONGEST],
        provider_subject=person.subject,
    )


def arrive(
    request: HttpRequest,
    provider: Provider,
    person: Person,
    *,
    method: Method,
    actor: Actor,
    next_path: str = "",
    keep: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Sign in the account that this person is: found, linked or made, brought up to date, and asked for our second
    factor where the provider says so. A refusal is recorded and answered with the neutral page.

    ``keep`` is stored encrypted in the session, for signing out at the provider.
    """
    try:
        account = settle(provider, person, actor=actor)
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=actor, person=person)
    floods.forget(actor=actor)
    target = next_path if _is_ours(request, next_path) else resolve_url(settings.LOGIN_REDIRECT_URL)
    return go_on(request, account, target, way=way_of(provider, person, method), kept=keep)  # type: ignore[arg-type]


def account_for(provider: Provider, person: Person) -> Mapped:
    """The same decision without writing anything, for a test's report. Raises ProviderRefused."""
    return decide(provider, person)


def refuse(
    request: HttpRequest,
    provider: Provider | None,
    refused: ProviderRefused,
    *,
    actor: Actor,
    person: Person | None = None,
) -> HttpResponse:
    """Record why, for security; the person sees a plain page with a reference id and learns nothing else.

    ``person``: who it was, when the protocol's own checks had passed. What had not, anybody could send: of a flood
    not each is recorded.
    """
    status = refused.status
    named: dict[str, Any] = {"provider": provider.name} if provider else {}
    if person is not None:
        named |= {"subject": person.subject[:255], "username": person.username[:255]}
    if person is not None or floods.is_worth_an_entry(OPENED, actor=actor):
        record(
            OPENED,
            actor=actor,
            target=provider if provider is not None and provider.pk else None,
            outcome=Outcome.FAILED,
            reason=refused.reason,
            sentence=str(refused),
            **named,
        )
    elif status < 500:
        status = 429
    context = {
        "provider": provider,
        "silent": refused.status == 503,
        "busy": refused.reason == "busy",
        "reference": getattr(request, "request_id", ""),
    }
    return render(request, "sso/refused.html", context, status=status)


def _is_ours(request: HttpRequest, path: str) -> bool:
    """A path of this server, and no address that a browser would take for another one."""
    return path.startswith("/") and url_has_allowed_host_and_scheme(path, {request.get_host()})
