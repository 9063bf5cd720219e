"""Admin mode: the way in and out, and what was done in it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.services.second_factor import WrongCode
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


@not_while_impersonating
@requires("admin_mode.use")
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request) -> HttpResponse:
    """Ask why, and again who it is; then every project is open."""
    account = person(request)
    ways = admin_mode.ways_to_confirm(request, account, now=request.actor.at)
    form = AdminModeForm(request.POST if request.method == "POST" else None, ways=ways)
    if request.method == "POST" and form.is_valid():
        try:
            admin_mode.start(request, account, **form.cleaned_data, actor=request.actor)
        except (WrongCredentials, WrongCode, TooManyAttempts) as refusal:
            form.add_error(form.tried, str(refusal))
        else:
            return redirect("projects:list")
    context = {
        "form": form,
        "ways": ways,
        "why_not": admin_mode.NothingToConfirmWith.message,
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
