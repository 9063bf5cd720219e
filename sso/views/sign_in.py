"""Where people are sent to a provider from."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from agora.base.access import not_while_impersonating, public, signed_in
from agora.base.http import Request, next_url, send_away
from sso.claims import ProviderRefused
from sso.models import Provider
from sso.services import again, begun, floods, protocols
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
    floods.admit_start(actor=request.actor)
    try:
        address = protocols.away(provider.kind).start(request, provider, actor=request.actor, next_path=target)
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=request.actor)
    return begun.mark(request, send_away(request, address, _("Going on at %(name)s.") % {"name": provider.name}))


@not_while_impersonating
@signed_in
@require_POST
def ask_again(request: Request) -> HttpResponse:
    """The provider that somebody signed in through asks them again; from there back to where it was asked for."""
    provider = again.provider_of(request)
    if provider is None:
        raise again.NobodyToAsk
    target = next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    try:
        address = again.begin(request, provider, next_path=target, actor=request.actor)
    except ProviderRefused as refused:
        raise again.fail(provider, refused, actor=request.actor) from refused
    return begun.mark(request, send_away(request, address, _("Going on at %(name)s.") % {"name": provider.name}))
