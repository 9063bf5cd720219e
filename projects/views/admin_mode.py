"""Admin mode: the way in and out, and what was done in it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.services.sign_in import WrongCredentials
from accounts.services.throttle import TooManyAttempts
from accounts.views.common import person
from agora.base.access import not_while_impersonating, requires
from agora.base.http import Request
from agora.base.pages import keyset_page
from audit.events import EVENTS
from audit.models import Entry
from projects.forms import AdminModeForm
from projects.services import admin_mode
from sessions_admin.elevations import counts
from sessions_admin.models import Elevation
from sso.services import again


@not_while_impersonating
@requires("admin_mode.use")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request) -> HttpResponse:
    """Ask why and for the password; then every project is open."""
    account = person(request)
    by_password = account.has_usable_password()
    form = AdminModeForm(request.POST if request.method == "POST" else None, with_password=by_password)
    if request.method == "POST" and form.is_valid():
        reason, password = form.cleaned_data["reason"], form.cleaned_data.get("password", "")
        try:
            admin_mode.start(request, account, password, reason=reason, actor=request.actor)
        except (WrongCredentials, TooManyAttempts) as refusal:
            form.add_error("password", str(refusal))
        else:
            return redirect("projects:list")
    context = {
        "form": form,
        "by_password": by_password,
        "provider": admin_mode.asked_by(request, account),
        "confirmed": again.confirmed(request, now=request.actor.at),
        "no_password": admin_mode.NoPassword.message,
    }
    return render(request, "projects/admin_mode.html", context, status=422 if form.errors else 200)


@not_while_impersonating
@requires("admin_mode.use")
@require_POST
def stop(request: Request) -> HttpResponse:
    """Back to one's own projects, by way of what was done."""
    elevation = admin_mode.stop(request, request.elevation, actor=request.actor)
    messages.success(request, _("Admin mode has ended."))
    return redirect("projects:admin-mode-summary", elevation.pk)


@not_while_impersonating
@requires("audit.view")
@require_safe
def summary(request: Request, pk: int) -> HttpResponse:
    """What was opened and changed in one admin mode; from its own entries."""
    elevation = get_object_or_404(Elevation.objects.admin_modes(), pk=pk)
    page = keyset_page(Entry.objects.in_elevation(pk), order="-at", params=request.GET)
    entries = [(entry, EVENTS.get(entry.event, entry.event)) for entry in page.rows]
    context = {"elevation": elevation, "done": counts([pk])[pk], "page": page, "entries": entries}
    return render(request, "projects/admin_mode_summary.html", context)
