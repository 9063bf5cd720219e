"""Test: what is typed is tried, saved or not, in a tab of its own that ends on a report."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.views.common import person
from agora.base.access import requires
from agora.base.http import Request, send_away
from sso.claims import ProviderRefused
from sso.forms.draft import Draft
from sso.models import Kind, Report
from sso.services import begun, protocols, testing
from sso.views.common import draft_of


@requires("settings.change")
@sensitive_post_parameters()
@require_POST
def test_new(request: Request, kind: str) -> HttpResponse:
    return run(request, draft_of(request, kind=kind))


@requires("settings.change")
@sensitive_post_parameters()
@require_POST
def test_saved(request: Request, pk: int) -> HttpResponse:
    return run(request, draft_of(request, pk=pk))


def run(request: Request, draft: Draft) -> HttpResponse:
    """Start the test: a directory is asked at once, to other providers the browser goes and comes back."""
    if not draft.is_valid():
        return render(request, "sso/report_refused.html", {"complaints": draft.complaints}, status=422)
    report = testing.begin_test(draft.provider, draft.group_roles, actor=request.actor)
    if draft.kind == Kind.LDAP:
        username = request.POST.get("test_username", "").strip()[:255]
        checks, found, refused_one = protocols.directory().try_out(testing.tried(report)[0], username)
        testing.finish_test(report, checks, found, refused=refused_one, actor=request.actor)
        return redirect("sso:report", report.key)
    try:
        address = protocols.away(draft.kind).start(
            request, testing.tried(report)[0], actor=request.actor, report=report
        )
    except ProviderRefused as refused:
        testing.finish_test(report, [testing.failed(refused)], None, actor=request.actor)
        return redirect("sso:report", report.key)
    return begun.mark(request, send_away(request, address, _("Going on at %(name)s.") % {"name": report.name}))


@requires("settings.change")
@never_cache
@require_safe
def report(request: Request, key: str) -> HttpResponse:
    """What came of a test, for the person who started it."""
    row = get_object_or_404(Report.objects.of_tester(person(request).pk).with_key(key))
    content = testing.content_of(row, actor=request.actor)
    return render(request, "sso/report.html", {"report": row, "content": content})
