"""The names that this server answers to: its own addresses always, and whatever the setting says at this moment.

Django's ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS are read once a process; the setting may change at any time.
"""

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from agora.base.env import without_port
from agora.base.errors import problem
from agora.base.http import is_api
from settings_admin.models import ServerSettings, public_address


class HostMiddleware:
    """Refuses requests for other names (OWASP: host header injection). Sets ``request.server``, read when needed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.server = SimpleLazyObject(ServerSettings.load)  # type: ignore[attr-defined]
        host = without_port(request.get_host().lower()).removesuffix(".")
        if host in settings.OWN_HOSTS or host == reached_address(request) or _is_public(host, request):
            return self.get_response(request)
        sentence = _(
            "This server does not answer to the name %(host)s. An administrator who reaches it by another name "
            "can enter this one under Settings, General."
        )
        if is_api(request):
            return problem(request, 400, "unknown_host", sentence % {"host": host[:253]})
        return render(request, "errors/refused.html", {"sentence": sentence % {"host": host[:253]}}, status=400)


def _is_public(host: str, request: HttpRequest) -> bool:
    """Is it the name of the setting? Without its database the server can say little, but /healthz it can."""
    try:
        return host == without_port(request.server.hostname)  # type: ignore[attr-defined]
    except DatabaseError:
        return True


def reached_address(request: HttpRequest) -> str:
    """The address of this machine at which the connection arrived, as browsers write it; empty for a Unix socket.

    A server that listens on 0.0.0.0 is reached at addresses that it learns only so. A page of another site can't use
    them to get at this server by a name of its own (DNS rebinding): it would send that name.
    """
    connection = request.META.get("gunicorn.socket")
    name = connection.getsockname() if connection is not None else ""
    if not isinstance(name, tuple):
        return ""
    address = ip_address(name[0].partition("%")[0].removeprefix("::ffff:"))
    return f"[{address}]" if address.version == 6 else str(address)


class CsrfMiddleware(CsrfViewMiddleware):
    """Django's, that also takes forms from pages at the public address, for proxies that don't pass the host on."""

    @property
    def allowed_origins_exact(self) -> set[str]:
        return {ServerSettings.load().address, public_address(settings.HOSTNAME)}

    @property
    def csrf_trusted_origins_hosts(self) -> list[str]:
        """For browsers that send no Origin; compared with the Referer, on https only."""
        return [address.partition("//")[2] for address in self.allowed_origins_exact]
