"""The API keys of an account, on its card, and whether it may use any."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from accounts.views.card import frame
from accounts.views.common import visible_account, with_back
from agora.base.access import not_while_impersonating, requires
from agora.base.http import Request
from api_keys.forms import KeyLoginForm
from api_keys.models import ApiKey
from api_keys.services import keys
from api_keys.views.common import new_key, refused_here
from settings_admin.models import ServerSettings


def show_keys(request: Request, account: Account, form: KeyLoginForm, *, status: int = 200) -> HttpResponse:
    around = frame(request, account, "api_keys:card")
    context = {
        **around,
        "keys": ApiKey.objects.of_account(account),
        "refused": refused_here(account),
        "may_manage": around["may_edit"] or around["yourself"],
        "form": form,
        "server_allows": ServerSettings.load().allow_api_keys,
    }
    return render(request, "api_keys/card.html", context, status=status)


@requires("accounts.view")
@require_safe
def card_keys(request: Request, pk: int) -> HttpResponse:
    account = visible_account(request, pk)
    return show_keys(request, account, KeyLoginForm(initial={"key_login": account.key_login}))


@not_while_impersonating
@requires("accounts.change")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request, pk: int) -> HttpResponse:
    """A key for somebody else: a service, or a person who can't."""
    return new_key(request, visible_account(request, pk))


@not_while_impersonating
@requires("accounts.change")
@require_POST
def key_login(request: Request, pk: int) -> HttpResponse:
    """As the server, allow or deny."""
    account = visible_account(request, pk)
    form = KeyLoginForm(request.POST)
    if not form.is_valid():
        return show_keys(request, account, form, status=422)
    keys.set_key_login(account, form.cleaned_data["key_login"], actor=request.actor)
    messages.success(request, _("Saved."))
    return redirect(with_back(request, reverse("api_keys:card", args=[pk])))
