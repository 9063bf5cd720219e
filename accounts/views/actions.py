"""Lock, unlock, activate, deactivate: one account or several, each asked first where something ends."""

import secrets
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.account import LockForm
from accounts.models import Account
from accounts.services import accounts, locks
from accounts.views import bulk_results
from accounts.views.common import person, visible_account
from agora.base.access import requires
from agora.base.errors import BadRequest, Refused
from agora.base.http import Request, next_url
from sessions_admin.models import Session
from sessions_admin.services import end_all_sessions

MOST = 500  # accounts in one bulk action
Fact = tuple[str, str]


def sessions_fact(count: int) -> Fact:
    text = ngettext("%(n)d open session ends at once", "%(n)d open sessions end at once", count) % {"n": count}
    return ("monitor", text if count else _("No session is open now"))


@requires("accounts.lock")
@require_http_methods(["GET", "HEAD", "POST"])
def lock(request: Request, pk: int) -> HttpResponse:
    """Ask, with the consequences as they are now; then lock."""
    account = visible_account(request, pk)
    target = next_url(request, reverse("accounts:list"))
    form = LockForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        locks.lock(account, reason=form.cleaned_data["reason"], actor=request.actor)
        messages.success(request, _("%(name)s is locked.") % {"name": account.username})
        return redirect(target)
    consequences = locks.lock_consequences(account, actor=request.actor)
    facts = [
        sessions_fact(consequences.open_sessions),
        ("scroll-text", _("The lock and your name go into the audit log")),
    ]
    context = {"account": account, "facts": facts, "consequences": consequences, "form": form, "next": target}
    return render(request, "accounts/lock.html", context, status=422 if form.errors else 200)


@requires("accounts.lock")
@require_POST
def unlock(request: Request, pk: int) -> HttpResponse:
    account = visible_account(request, pk)
    locks.unlock(account, actor=request.actor)
    messages.success(request, _("%(name)s may sign in again.") % {"name": account.username})
    return redirect(next_url(request, reverse("accounts:card", args=[pk])))


@requires("accounts.change")
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: Request, pk: int) -> HttpResponse:
    """Ask, then take the account out of use."""
    account = visible_account(request, pk)
    target = next_url(request, reverse("accounts:card", args=[pk]))
    if request.method == "POST":
        accounts.set_active(account, False, actor=request.actor)
        messages.success(request, _("%(name)s is inactive.") % {"name": account.username})
        return redirect(target)
    consequences = locks.lock_consequences(account, actor=request.actor)
    facts = [
        sessions_fact(consequences.open_sessions),
        ("archive", _("The account stays, with everything it owns and its audit trail")),
    ]
    context = {"account": account, "facts": facts, "consequences": consequences, "next": target}
    return render(request, "accounts/deactivate.html", context)


@requires("accounts.change")
@require_POST
def activate(request: Request, pk: int) -> HttpResponse:
    account = visible_account(request, pk)
    accounts.set_active(account, True, actor=request.actor)
    messages.success(request, _("%(name)s is active again.") % {"name": account.username})
    return redirect(next_url(request, reverse("accounts:card", args=[pk])))


@requires("sessions.end")
@require_POST
def end_sessions(request: Request, pk: int) -> HttpResponse:
    """End all sessions of one account; one's own stays."""
    account = visible_account(request, pk)
    ended = end_all_sessions(account, but=request.actor.session_id, actor=request.actor)
    text = ngettext("%(n)d session ended.", "%(n)d sessions ended.", ended) % {"n": ended}
    messages.success(request, text)
    return redirect(next_url(request, reverse("accounts:card-sessions", args=[pk])))


def chosen(request: Request) -> list[Account]:
    """The accounts that were ticked. Raises BadRequest for none, for too many and for what is no id."""
    sent = request.POST.getlist("id") if request.method == "POST" else request.GET.getlist("id")
    ids = {int(one) for one in sent if one.isascii() and one.isdecimal() and len(one) < 19}
    if len(ids) > MOST:
        raise BadRequest(_("More than %(most)d users are selected. Go back and select fewer.") % {"most": MOST})
    found = list(Account.objects.visible_to(person(request)).filter(pk__in=ids).order_by("username_key"))
    if not found:
        raise BadRequest(_("No user is selected. Go back and tick at least one."))
    return found


def in_bulk(request: Request, act: Callable[[Account, str], str]) -> HttpResponse:
    """Do it to each, every one for itself, and go on to a page that tells for each how it went."""
    batch = secrets.token_hex(8)
    results = []
    for account in chosen(request):
        try:
            results.append((account, True, act(account, batch)))
        except Refused as refusal:
            results.append((account, False, str(refusal)))
    key = bulk_results.keep(request, results, next_url(request, reverse("accounts:list")))
    return redirect("accounts:bulk-result", key)


@requires("accounts.lock")
@require_http_methods(["GET", "HEAD", "POST"])
def lock_many(request: Request) -> HttpResponse:
    form = LockForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]

        def act(account: Account, batch: str) -> str:
            locks.lock(account, reason=reason, batch=batch, actor=request.actor)
            return _("Locked")

        return in_bulk(request, act)
    found = chosen(request)
    sessions = Session.objects.open(request.actor.at).filter(account__in=found).count()
    facts = [sessions_fact(sessions), ("scroll-text", _("Each lock and your name go into the audit log"))]
    context = {"accounts": found, "facts": facts, "form": form, "next": next_url(request, reverse("accounts:list"))}
    return render(request, "accounts/lock_many.html", context, status=422 if form.errors else 200)


@requires("sessions.end")
@require_http_methods(["GET", "HEAD", "POST"])
def end_sessions_many(request: Request) -> HttpResponse:
    if request.method == "POST":

        def act(account: Account, batch: str) -> str:
            ended = end_all_sessions(account, but=request.actor.session_id, batch=batch, actor=request.actor)
            return ngettext("%(n)d session ended", "%(n)d sessions ended", ended) % {"n": ended}

        return in_bulk(request, act)
    found = chosen(request)
    sessions = Session.objects.open(request.actor.at).filter(account__in=found).count()
    context = {
        "accounts": found,
        "facts": [sessions_fact(sessions)],
        "next": next_url(request, reverse("accounts:list")),
    }
    return render(request, "accounts/end_sessions_many.html", context)
