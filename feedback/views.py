"""The form behind the button in the bar, and the administrators' list."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from agora.base.access import requires, signed_in
from agora.base.errors import Refused
from agora.base.http import Request, next_url
from agora.base.pages import bounded_counts, count_label, keyset_page
from feedback.forms import FeedbackForm
from feedback.models import Feedback
from feedback.services import send_feedback, set_handled
from settings_admin.models import ServerSettings


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request) -> HttpResponse:
    """Write to the administrators. 404 while feedback is switched off."""
    if not ServerSettings.load().allow_feedback:
        raise Http404
    account = cast(Account, request.user)
    target = next_url(request, reverse("overview"))
    sent = request.POST if request.method == "POST" else None
    form = FeedbackForm(sent, initial={"page": request.GET.get("page", "")}, email=account.email)
    if request.method == "POST" and form.is_valid():
        try:
            send_feedback(account, **form.cleaned_data, actor=request.actor)
        except Refused as refusal:  # over the form, which keeps what was written
            form.add_error(None, str(refusal))
            return render(request, "feedback/new.html", {"form": form, "next": target}, status=refusal.status)
        messages.success(request, _("Thank you. Your message is with the administrators."))
        return redirect(target)
    return render(request, "feedback/new.html", {"form": form, "next": target}, status=422 if form.errors else 200)


@requires("settings.change")
@require_safe
def feedback_list(request: Request) -> HttpResponse:
    """What people wrote, newest first: to be handled, or handled."""
    handled = request.GET.get("tab") == "handled"
    kinds = {"unhandled": Feedback.objects.unhandled(), "handled": Feedback.objects.handled()}
    counts = bounded_counts(kinds)
    rows = kinds["handled" if handled else "unhandled"].select_related("account")
    home = reverse("feedback:list")
    context = {
        "page": keyset_page(rows, order="-id", params=request.GET),
        "handled": handled,
        "tabs": [
            (_("Unhandled"), home, not handled, count_label(counts["unhandled"])),
            (_("Handled"), f"{home}?tab=handled", handled, count_label(counts["handled"])),
        ],
        "allowed": ServerSettings.load().allow_feedback,
        "here": request.get_full_path(),
    }
    return render(request, "feedback/list.html", context)


@requires("settings.change")
@require_POST
def handle(request: Request, pk: int) -> HttpResponse:
    return _set(request, pk, True)


@requires("settings.change")
@require_POST
def reopen(request: Request, pk: int) -> HttpResponse:
    return _set(request, pk, False)


def _set(request: Request, pk: int, handled: bool) -> HttpResponse:
    feedback = set_handled(get_object_or_404(Feedback, pk=pk), handled, actor=request.actor)
    text = _("%(id)s is handled.") if handled else _("%(id)s is open again.")
    messages.success(request, text % {"id": feedback})
    return redirect(next_url(request, reverse("feedback:list")))
