"""An account of one's own, where the server allows it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms.by_mail import RegisterForm
from accounts.services import registration
from accounts.services.throttle import TooManyRequests
from agora.base.access import not_while_impersonating, public
from agora.base.http import Request
from mail.services import CannotMail, mail_is_on
from settings_admin.models import ServerSettings


@not_while_impersonating
@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: Request) -> HttpResponse:
    """Username, e-mail address, password. 404 while registration is off."""
    if not ServerSettings.load().allow_registration:
        raise Http404
    form = RegisterForm(request.POST if request.method == "POST" else None, email_required=mail_is_on())
    try:
        if request.method == "POST" and _registered(request, form):
            return redirect("accounts:sign-in")
    except TooManyRequests as refusal:
        typed = {name: request.POST.get(name, "") for name in ("username", "email")}
        form = RegisterForm(
            initial=typed, email_required=mail_is_on()
        )  # unchecked: whether a name is taken is not told
        response = render(request, "accounts/register.html", {"form": form, "refusal": refusal}, status=429)
        response["Retry-After"] = str(refusal.seconds)
        return response
    context = {"form": form, "refusal": None}
    return render(request, "accounts/register.html", context, status=422 if form.errors else 200)


def _registered(request: Request, form: RegisterForm) -> bool:
    """Was the form good? Then it is done; else its errors are written down."""
    registration.admit(actor=request.actor)
    if form.is_valid():
        try:
            account = registration.register(**form.cleaned_data, actor=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        except CannotMail as refusal:
            form.add_error("email", str(refusal))
        else:
            waiting = _("A link is on its way to %(email)s. Open it within 24 hours; your account is made then.")
            done = _("Your account is made. Sign in with it.")
            messages.success(request, done if account else waiting % {"email": form.cleaned_data["email"]})
            return True
    registration.write_down_failure(form.errors, actor=request.actor)
    return False


@not_while_impersonating
@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: Request) -> HttpResponse:
    """The link in the mail leads here; the account is made by the button, for mail scanners open every link."""
    if not ServerSettings.load().allow_registration:
        raise Http404
    key = request.POST.get("key") or request.GET.get("key", "")
    error = ""
    try:
        if request.method == "POST":
            try:
                registration.confirm(key, actor=request.actor)
            except ValidationError as refusal:
                error = " ".join(refusal.messages)
            else:
                messages.success(request, _("Your account is made. Sign in with it."))
                return redirect("accounts:sign-in")
        row = registration.waiting(key)
    except registration.DeadConfirmation as refusal:
        return render(request, "accounts/dead_link.html", {"refusal": refusal, "again": False}, status=404)
    context = {"row": row, "key": key, "error": error}
    return render(request, "accounts/confirm_registration.html", context, status=422 if error else 200)
