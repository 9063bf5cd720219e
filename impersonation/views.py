"""Pages of impersonation: whom to act as, the way in and out, and the lists of what was."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.middleware import while_enrolling
from accounts.models import Account
from accounts.views.common import person
from agora.base.access import even_while_looking, not_while_impersonating, requires, signed_in
from agora.base.http import Request
from agora.base.pages import keyset_page
from impersonation import services
from impersonation.filters import ChoiceFilter, ImpersonationFilter
from impersonation.forms import StartForm
from sessions_admin.elevations import counts
from sessions_admin.models import Elevation
from settings_admin.models import ServerSettings


@not_while_impersonating
@requires("impersonation.start")
@require_safe
def choose(request: Request) -> HttpResponse:
    """Everybody with a button, or with the reason why there is none."""
    filters = ChoiceFilter(request.GET, queryset=Account.objects.visible_to(person(request)))
    page = filters.page()
    rows = [(account, services.why_not(account)) for account in page.rows]
    context = {"filters": filters, "page": page, "rows": rows, "switched_on": settings.IMPERSONATION}
    return render(request, "impersonation/choose.html", context)


@not_while_impersonating
@requires("impersonation.start")
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request, pk: int) -> HttpResponse:
    """Ask why and how; then act as the account from the next page on."""
    account = get_object_or_404(Account.objects.visible_to(person(request)), pk=pk)
    form = StartForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        services.start(request, account, **form.cleaned_data, actor=request.actor)
        return redirect("overview")
    context = {"account": account, "form": form, "why_not": services.why_not(account), "busy": request.elevation}
    return render(request, "impersonation/start.html", context, status=422 if form.errors else 200)


@while_enrolling
@even_while_looking
@signed_in
@require_POST
def stop(request: Request) -> HttpResponse:
    """Back to oneself, and to the list one came from."""
    name = request.user.get_username()
    services.stop(request, request.elevation, actor=request.actor)
    messages.success(request, _("You act as yourself again, no longer as %(name)s.") % {"name": name})
    return redirect("impersonation:choose")


@requires("audit.view")
@require_safe
def impersonations(request: Request) -> HttpResponse:
    """For security: who, as whom, why, how, from when to when, and what was done."""
    filters = ImpersonationFilter(request.GET, queryset=Elevation.objects.impersonations())
    page = filters.page()
    done = counts(elevation.pk for elevation in page.rows)
    rows = [(elevation, done[elevation.pk]) for elevation in page.rows]
    context = {"filters": filters, "page": page, "rows": rows, "log": reverse("audit:list")}
    return render(request, "impersonation/list.html", context)


@not_while_impersonating
@signed_in
@require_safe
def mine(request: Request) -> HttpResponse:
    """For the account itself: who acted as it and when; a part of the profile for htmx, else a page."""
    if not ServerSettings.load().tell_impersonated:
        raise Http404
    found = Elevation.objects.impersonations().of_target(person(request).pk)
    page = keyset_page(found, order="-started_at", params=request.GET, size=10)
    done = counts(elevation.pk for elevation in page.rows)
    context = {"page": page, "rows": [(elevation, done[elevation.pk]) for elevation in page.rows]}
    return render(request, "impersonation/_mine.html" if request.htmx else "impersonation/mine.html", context)
