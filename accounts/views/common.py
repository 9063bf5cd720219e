"""What several pages of accounts need: the account behind an id, the way back to the list, the person who asks."""

from typing import cast
from urllib.parse import urlencode, urlsplit

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Account
from agora.base.http import Request
from sessions_admin.models import still_open


def person(request: Request) -> Account:
    """The signed-in account; for views that are declared for signed-in people."""
    return cast(Account, request.user)


def visible_account(request: Request, pk: int) -> Account:
    """The account as the lists show it. 404 when there is none that this person may see."""
    rows = Account.objects.visible_to(person(request)).with_open_sessions(*still_open(request.actor.at))
    account: Account = get_object_or_404(rows, pk=pk)
    return account


def back_to_list(request: Request) -> str:
    """The list of accounts in the state in which it was left, as the link to this page remembered it.

    A form in a row of the list, whose answer is a card, remembers it as where to go next.
    """
    home = reverse("accounts:list")
    target = request.POST.get("back") or request.GET.get("back") or request.POST.get("next") or ""
    local = url_has_allowed_host_and_scheme(target, None) and urlsplit(target).path == home
    return target if local and target.startswith("/") else home


def with_back(request: Request, url: str) -> str:
    """The address, remembering the list as well."""
    back = back_to_list(request)
    return url if back == reverse("accounts:list") else f"{url}?{urlencode({'back': back})}"
