"""HTTP in and out: whose address it is, where to go next, static files, streamed answers."""

import csv
import io
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme
from whitenoise.storage import CompressedManifestStaticFilesStorage

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from agora.base.actor import Actor, Person
    from sessions_admin.models import Elevation


class Request(HttpRequest):
    """What a view gets: a request that passed our middlewares. Only for annotations; nothing makes one."""

    actor: "Actor"
    htmx: "HtmxDetails"
    request_id: str
    elevation: "Elevation | None"
    impersonator: "Person | None"


def is_api(request: HttpRequest) -> bool:
    """Is this a call of the REST API? Its answers are JSON, errors included."""
    return request.path.startswith("/api/v1/") or request.path == "/api/v1"


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Hashed names, compressed copies, and ES module imports rewritten to the hashed names."""

    support_js_module_import_aggregation = True


class RequestMiddleware:
    """Gives each request an id, named in its answer, its audit entries and its log lines."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = secrets.token_hex(8)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        if hasattr(request, "user") and request.user.is_authenticated:
            # What an account saw must not come back with the Back button after it signed out (OWASP ASVS 14.3.2).
            response.setdefault("Cache-Control", "no-store")
        return response


class PolicyMiddleware(CSPMiddleware):
    """django-csp's Content-Security-Policy. It writes the header anew for each response; for those that ask for nothing
    of their own it is written once a process here."""

    @cached_property
    def usual(self) -> str:
        return build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        asks = hasattr(request, "_csp_nonce") or any(name.startswith("_csp") for name in vars(response))
        if asks or settings.DEBUG:
            return super().process_response(request, response)
        response.setdefault(HEADER, self.usual)
        return response


def client_address(request: HttpRequest) -> str | None:
    """The client's IP address; behind trusted proxies the last X-Forwarded-For entry that is not one of them.

    Entries left of it were written by the client and prove nothing. None for a Unix socket without a trusted header.
    """
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    for hop in [request.META.get("REMOTE_ADDR", ""), *reversed(hops)]:
        try:
            address = ip_address(hop.removeprefix("::ffff:"))
        except ValueError:
            return None
        if not any(address in network for network in settings.TRUSTED_PROXIES):
            return str(address)
    return None


def next_url(request: HttpRequest, default: str) -> str:
    """Where the form or link asked to go afterwards, if that is on this server (OWASP: unvalidated redirects)."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if not target.startswith("/"):
        return default
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe else default


def send_away(request: HttpRequest, address: str, sentence: str) -> HttpResponse:
    """A page that goes on at another server by itself, and by its link where it does not.

    A redirect would do for a GET; the answer to a form may not lead there (CSP, form-action 'self').
    """
    if urlsplit(address).scheme not in ("https", "http"):
        raise ValueError("Only addresses of the web lead away.")
    response = render(request, "layouts/away.html", {"address": address, "sentence": sentence})
    response["Cache-Control"] = "no-store"  # the address may work once
    return response


def stream(lines: Iterable[str | bytes], *, filename: str, content_type: str) -> StreamingHttpResponse:
    """A download in constant memory. Proxies are asked not to buffer it."""
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["X-Accel-Buffering"] = "no"
    return response


FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV (RFC 4180) line by line. Cells that a spreadsheet would run get an apostrophe (OWASP: CSV injection)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in itertools.chain([header], rows):
        writer.writerow([defused(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def defused(cell: object) -> str:
    """The cell as text that no spreadsheet takes for a formula."""
    text = "" if cell is None else cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
