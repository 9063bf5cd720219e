"""Who the request acts as. The session, its key and its row stay the superuser's; only ``request.user`` is another."""

import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage import default_storage
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account
from agora.base.access import declared
from agora.base.actor import actor_of
from agora.base.http import Request
from impersonation.services import why_over
from sessions_admin import elevations
from sessions_admin.models import Elevation, ElevationEnd, ElevationKind

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")  # RFC 9110, section 9.2.1
Answer = Callable[[HttpRequest], HttpResponse]


class ImpersonationMiddleware:
    """Sets ``request.impersonator`` and swaps ``request.user``, or ends what must not go on."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.elevation = request.impersonator = None
        superuser = request.user
        if not isinstance(superuser, Account):
            return self.get_response(request)
        elevation = elevations.running(request, ElevationKind.IMPERSONATION)
        if elevation is None:
            return self.get_response(request)
        target, actor = Account.objects.filter(pk=elevation.target_id).first(), actor_of(request)
        if end := why_over(elevation, superuser, target, actor=actor):
            elevations.leave(request, elevation, end, actor=actor)
            return begin_again(request, _told(elevation, end))
        assert target is not None
        request.elevation, request.impersonator, request.user = elevation, superuser, target
        timezone.activate(zoneinfo.ZoneInfo(target.time_zone))
        return self.get_response(request)


def _told(elevation: Elevation, end: ElevationEnd) -> str:
    sentence = _("You act as yourself again, no longer as %(name)s: %(why)s. What you asked for last was not done.")
    return sentence % {"name": elevation.target_name, "why": end.label}


def begin_again(request: HttpRequest, sentence: str, *, to: str = "overview") -> HttpResponse:
    """To another page, with the sentence: what was asked for was meant for another mode and is not done in this one."""
    response: HttpResponse = redirect(to)
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
    stored = default_storage(request)
    stored.add(messages.WARNING, sentence)
    stored.update(response)
    return response


class LookOnlyMiddleware:
    """While somebody only looks: no unsafe method, and a database that refuses to write. Stands innermost."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        if request.elevation is None or not request.elevation.only_looks:
            return self.get_response(request)
        if request.method in SAFE:
            with read_only():
                return self.get_response(request)
        return self.get_response(request)

    def process_view(self, request: Request, view: Callable[..., HttpResponse], *_args: object) -> None:
        """Only the ways out, which say so themselves (``even_while_looking``)."""
        looks = request.elevation is not None and request.elevation.only_looks
        access = declared(view, request.method)
        if looks and request.method not in SAFE and not (access.looking or access.reads):
            sentence = _(
                "You only look: nothing was changed. To change something here, stop and start in the mode Act."
            )
            raise PermissionDenied(sentence)


@contextmanager
def read_only() -> Iterator[None]:
    """The database refuses to write inside: by the transaction on PostgreSQL, by the connection on SQLite."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            yield
        return
    connection.ensure_connection()
    driver: Any = connection.connection  # itself, for Django asks nothing more once a query has failed
    driver.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        driver.execute("PRAGMA query_only = OFF")
