"""A forgotten password: asking for a link, using it, and an administrator who has one sent."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.by_mail import ForgotForm, ResetForm
from accounts.services import resets
from accounts.services.throttle import TooManyRequests
from accounts.views.common import visible_account, with_back
from agora.base.access import not_while_impersonating, public, requires
from agora.base.http import Request
from mail.services import mail_is_on


@not_while_impersonating
@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgot_password(request: Request) -> HttpResponse:
    """Ask for a link. 404 while mail is off; the same answer whether there is such an account."""
    if not mail_is_on():
        raise Http404
    form = ForgotForm(request.POST if request.method == "POST" else None)
    wait = 0
    if request.method == "POST" and form.is_valid():
        try:
            resets.request_reset(form.cleaned_data["account"], actor=request.actor)
        except TooManyRequests as refusal:
            form.add_error(None, str(refusal))
            wait = refusal.seconds
        else:
            text = _("If there is such an account with an e-mail address, a link is on its way. It works for one hour.")
            messages.info(request, text)
            return redirect("accounts:sign-in")
    status = 429 if wait else 422 if form.errors else 200
    response = render(request, "accounts/forgot_password.html", {"form": form}, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


@not_while_impersonating
@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: Request) -> HttpResponse:
    """Choose a new password by a link. Looking uses nothing up: mail scanners open every link."""
    key = request.POST.get("key") or request.GET.get("key", "")
    try:
        account = resets.account_of(key)
        form = ResetForm(account, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            resets.reset_password(key, form.cleaned_data["new_password"], actor=request.actor)
            messages.success(request, _("Your new password is set, and all sessions have ended. Sign in with it."))
            return redirect("accounts:sign-in")
    except resets.DeadLink as refusal:
        return render(request, "accounts/dead_link.html", {"refusal": refusal, "again": mail_is_on()}, status=404)
    context = {"form": form, "account": account, "key": key}
    return render(request, "accounts/reset_password.html", context, status=422 if form.errors else 200)


@not_while_impersonating
@requires("accounts.set_password")
@require_POST
def send_reset_link(request: Request, pk: int) -> HttpResponse:
    """From the card: the account's own person sets the password."""
    account = visible_account(request, pk)
    resets.send_reset_link(account, actor=request.actor)
    messages.success(request, _("A link for a new password is on its way to %(email)s.") % {"email": account.email})
    return redirect(with_back(request, reverse("accounts:card", args=[pk])))
