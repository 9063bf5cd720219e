"""The providers: their list, making one, editing one."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.services.rules import LastWayIn
from agora.base.access import requires
from agora.base.errors import Gone, Refused
from agora.base.http import Request
from sso.forms.draft import Draft
from sso.models import Kind, Provider
from sso.services import protocols, providers
from sso.services.links import LinksRemain
from sso.services.providers import NeverTested, ProviderChanged, WayOfSuperusers
from sso.views.common import draft_of

ALIAS = "ALIAS"  # stands in addresses until one was typed


class ProviderGone(Gone):
    message = gettext_lazy(
        "Somebody else deleted this provider while you were editing it. "
        "Saved now, what you typed becomes a new provider that no account is linked to."
    )


@requires("settings.change")
@require_safe
def provider_list(request: Request) -> HttpResponse:
    """In the order in which people see them and directories are asked."""
    lines = [
        {"provider": row, "tested": providers.is_tested(row), "place": place}
        for place, row in enumerate(Provider.objects.with_settings().with_use().in_order())
    ]
    return render(request, "sso/list.html", {"lines": lines, "kinds": protocols.kinds()})


@requires("settings.change")
@require_safe
def choose_kind(request: Request) -> HttpResponse:
    return render(request, "sso/kinds.html", {"kinds": protocols.kinds()})


@requires("settings.change")
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request, kind: str) -> HttpResponse:
    draft = draft_of(request, kind=kind)
    if request.method == "POST" and draft.is_valid():
        try:
            made = providers.create_provider(
                draft.provider, draft.group_roles, untested="untested" in request.POST, actor=request.actor
            )
        except (NeverTested, WayOfSuperusers) as refusal:
            return show(request, draft, refusal=refusal)
        except ValidationError as taken:
            draft.common.add_error(None, taken)
            return show(request, draft)
        messages.success(request, _("%(name)s is saved.") % {"name": made.name})
        return redirect("sso:list")
    return show(request, draft)


@requires("settings.change")
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, pk: int) -> HttpResponse:
    if request.method == "POST" and not Provider.objects.has(pk):
        return show_gone(request)
    draft = draft_of(request, pk=pk)
    if request.method == "POST" and draft.is_valid():
        try:
            providers.change_provider(
                draft.provider,
                draft.group_roles,
                version=draft.version,
                untested="untested" in request.POST,
                links=request.POST.get("links", ""),
                actor=request.actor,
            )
        except (NeverTested, ProviderChanged, LastWayIn, LinksRemain, WayOfSuperusers) as refusal:
            return show(request, draft, refusal=refusal)
        except Gone:
            return show_gone(request)
        except ValidationError as taken:
            draft.common.add_error(None, taken)
            return show(request, draft)
        messages.success(request, _("Saved."))
        return redirect("sso:edit", pk)
    return show(request, draft, only_to_look=request.method != "POST" and not may_settle(request, draft.provider))


def may_settle(request: Request, provider: Provider) -> bool:
    """Else the form is shown to be looked at, with the reason, before anybody has typed into it."""
    try:
        providers.check_may_settle(provider, request.actor)
    except WayOfSuperusers:
        return False
    return True


def show_gone(request: Request) -> HttpResponse:
    """What was typed over a provider that somebody else deleted, as a new one; nothing that was stored is in it."""
    return show(request, draft_of(request, kind=request.POST.get("kind", "")), refusal=ProviderGone())


def show(request: Request, draft: Draft, *, refusal: Refused | None = None, only_to_look: bool = False) -> HttpResponse:
    """The page, with what was wrong and what has to be asked."""
    saved = draft.saved
    version = draft.common["version"].value()
    if saved is not None and isinstance(refusal, ProviderChanged):
        version = saved.version
    named = Provider(kind=draft.kind, alias=saved.alias if saved else ALIAS)
    context: dict[str, Any] = {
        "draft": draft,
        "saved": saved,
        "kind": draft.kind,
        "kind_label": Kind(draft.kind).label,
        "version": version,
        "refusal": refusal,
        "links_remain": isinstance(refusal, LinksRemain),
        "untested": "untested" in request.POST,
        "theirs": isinstance(refusal, ProviderChanged),
        "only_to_look": WayOfSuperusers.message if only_to_look else "",
        "gone": isinstance(refusal, ProviderGone),
        "never_tested": isinstance(refusal, NeverTested),
        "tested": saved is not None and providers.is_tested(saved),
        "addresses": protocols.addresses(named),
        "alias_missing": saved is None,
        "test_username": request.POST.get("test_username", "")[:255],
    }
    status = refusal.status if refusal else 422 if draft.complaints else 200
    return render(request, f"sso/edit_{draft.kind}.html", context, status=status)
