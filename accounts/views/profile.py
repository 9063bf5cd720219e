"""One's own profile: names, appearance, password, sessions."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.forms import AccountForm
from accounts.forms.profile import NamesForm, OwnPasswordForm, PreferencesForm
from accounts.forms.seen import remember, seen, tell
from accounts.models import Account, Theme
from accounts.services import passwords, sign_in
from accounts.services.accounts import change_profile
from accounts.services.editing import EditedMeanwhile
from accounts.views.common import person
from agora.base.access import not_while_impersonating, signed_in
from agora.base.errors import BadRequest, Refused
from agora.base.http import Request, next_url
from sessions_admin.models import Cause, Session
from sessions_admin.services import end_all_sessions, end_session


def show_profile(request: Request, *, status: int = 200, **bound: forms.BaseForm) -> HttpResponse:
    """The page; ``bound`` forms come back with their errors in place of fresh ones."""
    account = Account.objects.visible_to(person(request)).get(pk=person(request).pk)
    fresh = {
        "names": remember(NamesForm(instance=account)),
        "preferences": remember(PreferencesForm(instance=account)),
        "password": OwnPasswordForm(account),
    }
    opened = Session.objects.open(request.actor.at).of_account(account.pk).order_by("-opened_at")[:100]
    context = {"account": account, "forms": {**fresh, **bound}, "opened": opened}
    return render(request, "accounts/profile.html", context, status=status)


@signed_in
@require_safe
def profile(request: Request) -> HttpResponse:
    return show_profile(request)


@signed_in
@require_POST
def names(request: Request) -> HttpResponse:
    form = NamesForm(request.POST, instance=Account.objects.visible_to(person(request)).get(pk=person(request).pk))
    return _save(request, form, "names")


@signed_in
@require_POST
def preferences(request: Request) -> HttpResponse:
    form = PreferencesForm(
        request.POST, instance=Account.objects.visible_to(person(request)).get(pk=person(request).pk)
    )
    return _save(request, form, "preferences")


def _save(request: Request, form: AccountForm, name: str) -> HttpResponse:
    form, status = remember(form), 422
    if form.is_valid():
        try:
            change_profile(person(request), form.cleaned_data, actor=request.actor, seen=seen(form))
        except EditedMeanwhile as error:
            tell(form, error.current)
            status = error.status
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:profile")
    return show_profile(request, status=status, **{name: form})


@signed_in
@require_POST
def theme(request: Request) -> HttpResponse:
    """The switch in the bar."""
    if request.POST.get("theme") not in Theme.values:
        raise BadRequest(_("There is no such theme. Choose light, dark or as the system."))
    change_profile(person(request), {"theme": request.POST["theme"]}, actor=request.actor)
    return redirect(next_url(request, reverse("overview")))


@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_POST
def own_password(request: Request) -> HttpResponse:
    """The current password first; then all other sessions end and this one goes on under a new key."""
    account = person(request)
    form = OwnPasswordForm(account, request.POST)
    if form.is_valid():
        try:
            sign_in.confirm_password(request, account, form.cleaned_data["current_password"], actor=request.actor)
            passwords.choose_password(account, form.cleaned_data["new_password"], actor=request.actor)
        except Refused as refusal:
            form.add_error("current_password", str(refusal))
        except ValidationError as error:
            form.add_error("new_password", error)
        else:
            request.session.cycle_key()
            messages.success(request, _("Your new password is set. All your other sessions have ended."))
            return redirect("accounts:profile")
    return show_profile(request, status=422, password=form)


@signed_in
@require_POST
def end_own_session(request: Request, pk: int) -> HttpResponse:
    """End one of one's own sessions; of others' there is none here."""
    session = get_object_or_404(Session.objects.of_account(person(request).pk), pk=pk)
    if session.pk == request.actor.session_id:
        sign_in.close_session(request, actor=request.actor)
        return redirect("accounts:sign-in")
    end_session(session, cause=Cause.ENDED_OTHERS, actor=request.actor)
    messages.success(request, _("The session has ended."))
    return redirect("accounts:profile")


@signed_in
@require_POST
def end_other_sessions(request: Request) -> HttpResponse:
    ended = end_all_sessions(
        person(request), cause=Cause.ENDED_OTHERS, but=request.actor.session_id, actor=request.actor
    )
    text = ngettext("%(n)d other session ended.", "%(n)d other sessions ended.", ended) % {"n": ended}
    messages.success(request, text)
    return redirect("accounts:profile")
