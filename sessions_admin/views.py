"""Pages of sign-in sessions: who is signed in, who was, and ending it."""

import secrets

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from agora.base.access import requires
from agora.base.errors import BadRequest
from agora.base.http import Request, next_url
from agora.base.pages import bounded_counts, count_label, keyset_page
from audit.models import Entry
from sessions_admin.filters import ClosedFilter, OpenFilter
from sessions_admin.models import Session
from sessions_admin.services import AlreadyClosed, end_session
from settings_admin.models import ServerSettings

MOST = 500  # sessions in one bulk action


@requires("sessions.view")
@require_safe
def session_list(request: Request) -> HttpResponse:
    """Open sessions, those that the next request would be let in by; or closed ones with the cause of each end."""
    now, limits = request.actor.at, ServerSettings.load()
    opened, closed = Session.objects.open(now, limits), Session.objects.closed()
    is_closed = request.GET.get("tab") == "closed"
    rows = (closed if is_closed else opened).select_related("account")
    filters = (ClosedFilter if is_closed else OpenFilter)(request.GET, queryset=rows)
    past = Session.objects.past_limits(now, limits)
    counts = bounded_counts({"open": opened, "closed": closed, "past": past})
    home = reverse("sessions:list")
    context = {
        "filters": filters,
        "page": filters.page(),
        "closed": is_closed,
        "tabs": [
            (_("Open"), home, not is_closed, count_label(counts["open"])),
            (_("Closed"), f"{home}?tab=closed", is_closed, count_label(counts["closed"])),
        ],
        "past": counts["past"],
        "past_label": count_label(counts["past"]),
        "here": request.get_full_path(),
    }
    return render(request, "sessions/list.html", context)


@requires("sessions.view")
@require_safe
def card(request: Request, pk: int) -> HttpResponse:
    """One session, with what was done in it."""
    session = _session(pk)
    page = keyset_page(Entry.objects.in_session(pk), order="-at", params=request.GET)
    is_open = Session.objects.open(request.actor.at).filter(pk=pk).exists()
    return render(request, "sessions/card.html", {"session": session, "page": page, "is_open": is_open})


@requires("sessions.end")
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: Request, pk: int) -> HttpResponse:
    """Ask, then end the session: its next request is refused."""
    session = _session(pk)
    target = next_url(request, reverse("sessions:list"))
    if request.method == "POST":
        end_session(session, actor=request.actor)
        messages.success(request, _("The session of %(name)s has ended.") % {"name": session.account})
        return redirect(target)
    return render(request, "sessions/end.html", {"session": session, "next": target})


@requires("sessions.end")
@require_http_methods(["GET", "HEAD", "POST"])
def end_many(request: Request) -> HttpResponse:
    """Ask, then end the selected sessions, each for itself."""
    chosen = _chosen(request)
    target = next_url(request, reverse("sessions:list"))
    if request.method == "POST":
        ended, batch = 0, secrets.token_hex(8)
        for session in chosen:
            try:
                end_session(session, actor=request.actor, batch=batch)
                ended += 1
            except AlreadyClosed:
                continue  # it ended while the question was on the screen: that is what was wanted
        text = ngettext("%(n)d session ended.", "%(n)d sessions ended.", ended) % {"n": ended}
        messages.success(request, text)
        return redirect(target)
    return render(request, "sessions/end_many.html", {"sessions": chosen, "next": target})


def _session(pk: int) -> Session:
    return get_object_or_404(Session.objects.signed_in().select_related("account"), pk=pk)


def _chosen(request: Request) -> list[Session]:
    sent = request.POST.getlist("id") if request.method == "POST" else request.GET.getlist("id")
    ids = {int(one) for one in sent if one.isascii() and one.isdecimal() and len(one) < 19}
    if not ids:
        raise BadRequest(_("No session is selected. Go back and tick at least one."))
    if len(ids) > MOST:
        raise BadRequest(_("More than %(most)d sessions are selected. Go back and select fewer.") % {"most": MOST})
    return list(Session.objects.signed_in().select_related("account").filter(pk__in=ids).order_by("pk"))
