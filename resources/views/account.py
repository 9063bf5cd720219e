"""The tab of an account's card with everything that the account can reach, and why."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.views.card import frame
from accounts.views.common import visible_account
from agora.base.access import requires
from agora.base.http import Request
from resources.filters import ReachFilter
from resources.models import Resource
from resources.services.rules import effective_roles
from resources.views.common import card_url


@requires("accounts.change")
@require_safe
def reach(request: Request, pk: int) -> HttpResponse:
    """What the account sees at this moment, each with its role and the deciding fact."""
    account = visible_account(request, pk)
    rows = Resource.objects.visible_to(account, at=request.actor.at).with_facts()
    filters = ReachFilter(request.GET, queryset=rows)
    page = filters.page()
    decisions = effective_roles(account, page.rows, at=request.actor.at)
    context = {
        **frame(request, account, "resources:account"),
        "filters": filters,
        "page": page,
        "rows": [(resource, decisions[resource.pk], card_url(resource)) for resource in page.rows],
    }
    return render(request, "resources/account.html", context)
