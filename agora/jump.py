"""The command palette (Ctrl+K): pages, accounts and resources that the person may open."""

from typing import cast

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Account
from agora.base.access import signed_in
from agora.base.http import Request
from agora.base.models import fold
from agora.base.pages import keyset_page
from agora.menu import menu_for
from resources.models import Resource
from resources.roles import Kind
from resources.views.common import card_url

SHOWN = 8
ICONS = {Kind.STREAMER: "radio-tower", Kind.STREAM: "radio", Kind.SESSION: "cast", Kind.RECORDING: "video"}


@signed_in
@require_safe
def jump(request: Request) -> HttpResponse:
    """The matches as a page, or as the palette's list for htmx."""
    text = request.GET.get("q", "").strip()[:100]
    pages = [item for section in menu_for(request) for item in section.items if fold(text) in fold(str(item.label))]
    accounts: list[Account] = []
    if text and request.user.has_perm("accounts.view"):
        accounts = keyset_page(Account.objects.all(), order="username_key", params={}, size=SHOWN, text=text).rows
    resources: list[Resource] = []
    if text:
        rows = Resource.objects.visible_to(cast(Account, request.user), at=request.actor.at).select_related("parent")
        resources = keyset_page(rows, order="-id", params={}, size=SHOWN, text=text).rows
    found = {
        "accounts": accounts,
        "resources": [(one, card_url(one), ICONS[Kind(one.kind)], one.parent) for one in resources],
    }
    template = "jump/_results.html" if request.htmx else "jump/page.html"
    return render(request, template, {"text": text, "pages": pages, **found})
