"""The tab Permissions of an account's card: everything that the account can reach, and why it can or can't."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.views.card import frame
from accounts.views.common import visible_account
from agora.base.access import requires
from agora.base.http import Request
from agora.base.pages import keyset_page
from resources.filters import ReachFilter
from resources.forms import ReachForm
from resources.models import Resource
from resources.roles import Action
from resources.services.answers import explain
from resources.services.rules import effective_roles
from resources.views.common import card_url, person

OFFERED = 10  # resources that are named so, to choose from


@requires("accounts.change")
@require_safe
def reach(request: Request, pk: int) -> HttpResponse:
    """What the account sees at this moment, each with its role and the deciding fact; and one question about any."""
    account = visible_account(request, pk)
    rows = Resource.objects.visible_to(account, at=request.actor.at).with_facts()
    filters = ReachFilter(request.GET, queryset=rows)
    filters.account, filters.at = account, request.actor.at
    page = filters.page()
    decisions = effective_roles(account, page.rows, at=request.actor.at)
    context = {
        **frame(request, account, "resources:account"),
        **_question(request, account),
        "filters": filters,
        "page": page,
        "rows": [(resource, decisions[resource.pk], card_url(resource)) for resource in page.rows],
    }
    return render(request, "resources/account.html", context)


def _question(request: Request, account: Account) -> dict[str, Any]:
    """The form, and the answer or, where several resources are called so, those to choose from."""
    form = ReachForm(request.GET if "resource" in request.GET else None)
    context: dict[str, Any] = {"why": form, "answer": None, "offered": []}
    if not form.is_valid():
        return context
    found = _called(request, form.cleaned_data["resource"])
    if not found:
        form.add_error("resource", _("No resource that you may see is called so."))
    if len(found) != 1:
        return context | {"offered": found}
    action = Action(form.cleaned_data["action"])
    answer = explain(account, found[0], action, at=request.actor.at)
    return context | {"answer": answer, "action": action, "asked": account, "asked_about": found[0]}


def _called(request: Request, text: str) -> list[Resource]:
    """Those with this id, else with exactly this name or title, else with the text in them."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at)
    if by_id := list(rows.numbered(text)):
        return by_id
    found = keyset_page(rows, order="-id", params={}, size=OFFERED, text=text).rows
    exact = [row for row in found if text.casefold() in (row.name.casefold(), row.title.casefold())]
    return exact or list(found)
