"""Where people are sent to a provider from."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from agora.base.access import public
from agora.base.http import Request, next_url, send_away
from sso.claims import ProviderRefused
from sso.models import Provider
from sso.services import begun, protocols
from sso.services.arrival import refuse


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: Request, alias: str) -> HttpResponse:
    """A page with one button, for links; the button, here and on the sign-in page, goes on at the provider."""
    provider = Provider.objects.with_buttons().with_settings().with_alias(alias)
    if provider is None:
        raise Http404
    target = next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    if request.method != "POST":
        return render(request, "sso/login.html", {"provider": provider, "next": target})
    try:
        address = protocols.away(provider.kind).start(request, provider, actor=request.actor, next_path=target)
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=request.actor)
    return begun.mark(request, send_away(request, address, _("Going on at %(name)s.") % {"name": provider.name}))
