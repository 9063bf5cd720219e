"""A new account."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms.account import CreateForm
from accounts.models import Account
from accounts.names import validate_username
from accounts.services.accounts import PROFILE_FIELDS, create_account
from accounts.services.rules import may_touch_superusers
from accounts.views.common import back_to_list
from agora.base.access import requires
from agora.base.http import Request


@requires("accounts.create")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request) -> HttpResponse:
    sent = request.POST if request.method == "POST" else None  # an empty form was sent, too, and has errors
    form = CreateForm(sent, may_make_superusers=may_touch_superusers(request.actor))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            account = create_account(
                **{name: values[name] for name in PROFILE_FIELDS},
                password=values["password"],
                temporary=values["temporary"],
                role=values["role"],
                superuser=values["superuser"],
                actor=request.actor,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(name)s is created.") % {"name": account.username})
            return redirect("accounts:card", account.pk)
    status = 422 if form.errors else 200
    return render(request, "accounts/create.html", {"form": form, "back": back_to_list(request)}, status=status)


@requires("accounts.create")
@require_safe
def check_username(request: Request) -> HttpResponse:
    """For the field of the new account, when it is left: is the name free? A fragment."""
    username = request.GET.get("username", "").strip()[:200]
    problem = ""
    if username:
        try:
            validate_username(username)
            if Account.objects.named(username).exists():
                problem = _("This username is taken. Choose another.")
        except ValidationError as error:
            problem = " ".join(error.messages)
    return render(request, "accounts/_username_check.html", {"username": username, "problem": problem})
