"""How a bulk action went, on a page of its own: reloaded or left and come back to, it does nothing again."""

import secrets
from collections.abc import Iterable

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.views.common import person
from agora.base.access import requires
from agora.base.http import Request

KEPT = "bulk_results"
MOST = 3  # results that a session keeps: the newest, of at most 500 accounts each
LONGEST = 500  # characters of an address to go back to


def keep(request: Request, results: Iterable[tuple[Account, bool, str]], back: str) -> str:
    """Keep the results in the session for the person who acted; the key of their page.

    A sentence that many accounts share is kept once.
    """
    sentences: list[str] = []
    rows = []
    for account, good, sentence in results:
        if sentence not in sentences:
            sentences.append(sentence)
        rows.append([account.pk, good, sentences.index(sentence)])
    back = back if len(back) <= LONGEST else reverse("accounts:list")
    key = secrets.token_hex(8)
    result = {"by": person(request).pk, "rows": rows, "sentences": sentences, "back": back}
    older = list(request.session.get(KEPT, {}).items())[1 - MOST :]
    request.session[KEPT] = {**dict(older), key: result}
    return key


@requires("accounts.view")
@require_safe
def bulk_result(request: Request, key: str) -> HttpResponse:
    """For each account how it went; a page that says so where the session keeps no such result."""
    kept = request.session.get(KEPT, {}).get(key)
    if kept is None or kept["by"] != person(request).pk:
        return render(request, "accounts/bulk_result_gone.html", status=404)
    accounts = Account.objects.visible_to(person(request)).in_bulk([pk for pk, _good, _sentence in kept["rows"]])
    rows = [(accounts.get(pk), good, kept["sentences"][sentence]) for pk, good, sentence in kept["rows"]]
    done = sum(1 for _account, good, _sentence in rows if good)
    return render(request, "accounts/bulk_result.html", {"results": rows, "done": done, "next": kept["back"]})
