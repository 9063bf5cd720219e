"""What the pages of API keys share: a key that this person may see, and the form of a new one."""

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from accounts.models import Account
from accounts.views.common import person
from agora.base.http import Request
from api_keys.forms import KeyForm
from api_keys.models import ApiKey, keys_count
from api_keys.services import keys
from settings_admin.models import ServerSettings


def visible_key(request: Request, pk: int) -> ApiKey:
    """404 when there is none that this person may see."""
    return get_object_or_404(ApiKey.objects.visible_to(person(request)).select_related("account"), pk=pk)


def home_of(request: Request, account: Account) -> str:
    """The list that the key stands in."""
    if account.pk == person(request).pk:
        return reverse("api_keys:profile")
    return reverse("api_keys:card", args=[account.pk])


def refused_here(account: Account) -> bool:
    """Are this account's keys refused by the server's switch or the account's own?"""
    return not keys_count(account, server_allows=ServerSettings.load().allow_api_keys)


def new_key(request: Request, account: Account) -> HttpResponse:
    """The form; afterwards the new secret, this once."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            key, secret = keys.create_key(account, actor=request.actor, **form.limits)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return show_secret(request, key, secret)
    context = {"form": form, "account": account, "back": home_of(request, account)}
    return render(request, "api_keys/create.html", context, status=422 if form.errors else 200)


def show_secret(request: Request, key: ApiKey, secret: str) -> HttpResponse:
    """The only page that ever holds it; browsers are told to keep no copy, as with every page of a signed-in person."""
    context = {"key": key, "secret": secret, "back": home_of(request, key.account)}
    return render(request, "api_keys/secret.html", context)
