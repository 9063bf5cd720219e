"""Settings of mail, its test, and the outbox."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agora.base.access import requires
from agora.base.errors import Refused
from agora.base.http import Request, next_url
from audit.services import values_of
from mail.filters import OutboxFilter
from mail.forms import MailForm, TestForm
from mail.models import MailSettings, Message, Mode
from mail.services.configuration import NAMES, change_mail_settings
from mail.services.trial import send_test_mail
from mail.services.upkeep import retry_message
from settings_admin.services import ChangedMeanwhile, changes_by_field, in_words


@requires("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def mail_settings(request: Request) -> HttpResponse:
    """The form: a mode, and the fields of that mode."""
    form = MailForm(request.POST if request.method == "POST" else None, instance=MailSettings.load())
    # What was typed into an overtaken form may be wrong only beside what the others saved: they are told of first.
    if request.method == "POST" and (form.is_valid() or form.is_overtaken):
        try:
            change_mail_settings(form.cleaned_data, version=form.cleaned_data["version"], actor=request.actor)
        except ChangedMeanwhile as refusal:
            return _changed_meanwhile(request, form, refusal)
        messages.success(request, _("Saved."))
        return redirect("mail:settings")
    return _show(request, form, status=422 if form.errors else 200)


def _changed_meanwhile(request: Request, form: MailForm, refusal: ChangedMeanwhile) -> HttpResponse:
    """What the others changed, over a form that holds it together with what this person typed, but for a password."""
    row, modes = MailSettings.load(), dict(Mode.choices)
    theirs = changes_by_field(refusal.since, NAMES)
    started_from = values_of(row, NAMES) | {name: old for name, (old, _new) in theirs.items()}
    typed = {name: form.cleaned_data.get(name, form[name].data) for name in NAMES}
    counts = NAMES if typed["mode"] == Mode.SERVER else ("mode",)
    retype = "password" in counts and bool(typed.pop("password", ""))
    mine = {name: typed[name] for name in counts if name in typed and typed[name] != started_from[name]}
    changes = [
        (form.fields[name].label, *(modes[one] if name == "mode" else in_words(one) for one in both))
        for name, both in theirs.items()
    ]
    clashes = [form.fields[name].label for name in theirs if name in mine or (retype and name == "password")]
    told = {"refusal": refusal, "changes": changes, "clashes": clashes, "retype": retype}
    return _show(request, MailForm(instance=row, initial=mine), status=409, **told, unsaved=len(mine) + retype)


@requires("settings.change")
@require_POST
def test(request: Request) -> HttpResponse:
    """Send a test mail with what is typed, and save nothing."""
    form, to = MailForm(request.POST, instance=MailSettings.load()), TestForm(request.POST)
    server = form.server if form.is_valid() and to.is_valid() else None
    refused, trial = "", None
    if server is not None:
        try:
            trial = send_test_mail(server, to=to.cleaned_data["to"], actor=request.actor)
        except Refused as refusal:
            refused = str(refusal)
    context: dict[str, Any] = {
        "asked": True,
        "trial": trial,
        "refused": refused,
        "tested": server,
        "complaints": _complaints(form, to),
    }
    if request.htmx:
        return render(request, "mail/_trial.html", context)
    return _show(request, form, to=to, **context)


def _complaints(*forms: Any) -> list[tuple[str, str]]:
    """What has to be mended before anything can be tried: (field, sentence)."""
    return [
        (str(form.fields[name].label) if name in form.fields else "", error)
        for form in forms
        for name, errors in form.errors.items()
        for error in errors
    ]


def _show(request: Request, form: MailForm, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "form": form,
        "to": TestForm(initial={"to": getattr(request.user, "email", "")}),
        "chosen": form["mode"].value(),
        "mode": Mode,
        "failed": Message.objects.failed()[:1],
        "unsaved": len(form.changed_data) if form.is_bound else 0,
        "refusal": None,
        "asked": False,
        "trial": None,
        "refused": "",
        "tested": None,
        "complaints": [],
    }
    return render(request, "mail/settings.html", context | more, status=status)


@requires("settings.change")
@require_safe
def outbox(request: Request) -> HttpResponse:
    """Every mail of the last month, newest first, with what became of it."""
    filters = OutboxFilter(request.GET, queryset=Message.objects.listed())
    context = {
        "filters": filters,
        "page": filters.page(),
        "settings": MailSettings.load(),
        "here": request.get_full_path(),
    }
    return render(request, "mail/outbox.html", context)


@requires("settings.change")
@require_safe
def message(request: Request, pk: int) -> HttpResponse:
    """One mail with the server's answers. Its text is not shown: it may hold a link that lets somebody in."""
    return render(request, "mail/message.html", {"message": get_object_or_404(Message.objects.listed(), pk=pk)})


@requires("settings.change")
@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Message.objects.listed(), pk=pk)
    retry_message(found, actor=request.actor)
    messages.success(request, _("%(id)s is queued again.") % {"id": found})
    return redirect(next_url(request, reverse("mail:message", args=[pk])))
