"""Enabling, ordering and deleting providers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from agora.base.access import requires
from agora.base.http import Request
from sso.models import Provider
from sso.services import providers
from sso.views.common import provider_of


def losses(provider: Provider) -> list[tuple[str, str]]:
    """What the people who use it lose, for a dialog."""
    linked, stranded = providers.lose_their_way(provider)
    used = ngettext("%(n)d account is linked to it", "%(n)d accounts are linked to it", linked) % {"n": linked}
    lost = ngettext(
        "%(n)d of them loses its only way in: it has no password here and no other provider",
        "%(n)d of them lose their only way in: they have no password here and no other provider",
        stranded,
    ) % {"n": stranded}
    return [("users", used)] + ([("triangle-alert", lost)] if stranded else [])


@requires("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def enable(request: Request, pk: int) -> HttpResponse:
    """Ask, which says whether it was ever seen to work; then offer it."""
    provider = provider_of(pk)
    if request.method == "POST":
        providers.set_enabled(provider, True, actor=request.actor)
        messages.success(request, _("%(name)s is enabled.") % {"name": provider.name})
        return redirect("sso:list")
    providers.check_may_settle(provider, request.actor)  # before anybody is asked
    facts = [("log-in", _("People sign in through it from now on"))]
    if not providers.is_tested(provider):
        facts += [("triangle-alert", _("Its settings have never passed the test"))]
    return render(request, "sso/enable.html", {"provider": provider, "facts": facts})


@requires("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def disable(request: Request, pk: int) -> HttpResponse:
    """Ask, which says how many accounts can't sign in meanwhile; then stop offering it."""
    provider = provider_of(pk)
    if request.method == "POST":
        providers.set_enabled(provider, False, actor=request.actor)
        messages.success(request, _("%(name)s is disabled.") % {"name": provider.name})
        return redirect("sso:list")
    providers.check_may_settle(provider, request.actor)
    facts = [*losses(provider), ("clock", _("Sessions that it opened go on until they end"))]
    return render(request, "sso/disable.html", {"provider": provider, "facts": facts})


@requires("settings.change")
@require_POST
def move(request: Request, pk: int) -> HttpResponse:
    """One place up, or down."""
    providers.move_provider(provider_of(pk), up="up" in request.POST, actor=request.actor)
    return redirect("sso:list")


@requires("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask, which says how many accounts lose their way in; then delete."""
    provider = provider_of(pk)
    if request.method == "POST":
        providers.delete_provider(provider, actor=request.actor)
        messages.success(request, _("%(name)s is deleted.") % {"name": provider.name})
        return redirect("sso:list")
    providers.check_may_settle(provider, request.actor)
    facts = [
        *losses(provider),
        ("unlink", _("The links are lost: made again, it knows nobody")),
        ("clock", _("Sessions that it opened go on until they end")),
    ]
    return render(request, "sso/delete.html", {"provider": provider, "facts": facts})
