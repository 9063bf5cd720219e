"""Sign-ins on their way: written down when somebody is sent to a provider, used up when the answer comes back."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from agora.base.actor import Actor
from sso.claims import NothingBegun, ProviderRefused
from sso.models import Begun, Provider, Report

COOKIE = "agora_sso"
VALID = timedelta(minutes=10)
LENGTH = 43  # characters of 256 random bits


def begin(
    provider: Provider,
    *,
    request: HttpRequest,
    request_id: str,
    data: Mapping[str, Any],
    actor: Actor,
    next_path: str = "",
    report: Report | None = None,
) -> Begun:
    """Write down that this browser is sent to the provider, with the id that its answer will name.

    The answer to ``request`` must pass ``mark``, which gives the browser its cookie. Raises ProviderRefused (disabled).
    """
    return write(
        kind=provider.kind,
        alias=provider.alias,
        provider=None if report else provider,
        report=report,
        request_digest=digest_of(request_id),
        browser_digest=digest_of(browser_of(request)),
        next_path=next_path[:2000],
        data=json.dumps(dict(data)),
        created_at=actor.at,
        expires_at=actor.at + VALID,
    )


def write(**values: Any) -> Begun:
    """Raises ProviderRefused (disabled) where the provider was deleted while it was asked something."""
    try:
        with transaction.atomic():
            return Begun.objects.create(**values)
    except IntegrityError as error:
        raise ProviderRefused("disabled", _("The provider was deleted meanwhile.")) from error


def take(
    kind: str, alias: str, request_id: str, *, actor: Actor, disabled_too: bool = False
) -> tuple[Begun, dict[str, Any]]:
    """Use up what was begun under this id, whatever becomes of it, and what the protocol remembered.

    Raises NothingBegun, ProviderRefused (other_provider, expired_request, disabled). Which browser it was is asked by
    ``check_browser``. ``disabled_too``: what was begun was a sign-out, which nobody is kept from.
    """
    with transaction.atomic():
        rows = Begun.objects.select_for_update(of=("self",)).filter(request_digest=digest_of(request_id))
        begun = rows.select_related("provider", "report").first()
        if begun is None or not rows.filter(pk=begun.pk).delete()[0]:
            raise NothingBegun
    if (begun.kind, begun.alias) != (kind, alias):
        raise ProviderRefused("other_provider", _("The sign-in was begun at another provider."))
    if begun.provider is not None and not begun.provider.enabled and not disabled_too:
        raise ProviderRefused("disabled", _("The provider was disabled meanwhile."))
    if begun.expires_at <= actor.at:
        raise ProviderRefused("expired_request", _("The sign-in took longer than ten minutes."))
    return begun, json.loads(str(begun.data) or "{}")


def check_browser(begun: Begun, request: HttpRequest) -> None:
    """Raises ProviderRefused (other_browser) when somebody else's browser began it (login CSRF)."""
    sent = request.COOKIES.get(COOKIE, "")
    if not sent or not constant_time_compare(digest_of(sent), begun.browser_digest):
        raise ProviderRefused("other_browser", _("The sign-in was begun in another browser."))


def browser_of(request: HttpRequest) -> str:
    """This browser's random name; made now when it has none yet."""
    made: str = getattr(request, "sso_browser", "") or request.COOKIES.get(COOKIE, "")
    if len(made) != LENGTH:
        made = secrets.token_urlsafe(32)
    request.sso_browser = made  # type: ignore[attr-defined]
    return made


def mark(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response, with the browser's name as a cookie: not for scripts, sent along when the provider links here.

    It goes to every page, for sign-ins and tests begin on several: with none, each would give the browser another name,
    and what it began before would be another browser's.
    """
    response.set_cookie(
        COOKIE, browser_of(request), max_age=VALID * 3, secure=settings.HTTPS, httponly=True,
        samesite="Lax",
    )  # fmt: skip
    return response


def digest_of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
