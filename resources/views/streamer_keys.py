"""The configuration key of a streamer, shown once, and its edit credential, shown never."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agora.base.access import not_while_impersonating, signed_in_with
from agora.base.http import Request
from resources.forms import CredentialForm
from resources.roles import Action, Kind
from resources.services.streamer_keys import make_key, set_edit_credential
from resources.views.common import card_url, permitted
from settings_admin.models import ServerSettings

edit_it = signed_in_with("Editor on it")


@not_while_impersonating
@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def key(request: Request, pk: int) -> HttpResponse:
    """Ask; then the new key with the line that pulls the configuration. The only page that ever holds it."""
    resource, _decision = permitted(request, pk, Action.EDIT, Kind.STREAMER)
    if request.method != "POST":
        return render(request, "resources/streamer_key.html", {"resource": resource, "back": card_url(resource)})
    secret = make_key(resource, actor=request.actor, seen=request.POST.get("seen", ""))
    pull = ServerSettings.load().absolute(reverse("api:streamer-configuration"))
    context = {
        "resource": resource,
        "secret": secret,
        "line": f'curl --fail-with-body -sS -H "Authorization: Bearer {secret}" "{pull}"',
        "back": card_url(resource),
    }
    return render(request, "resources/streamer_secret.html", context)


@not_while_impersonating
@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def credential(request: Request, pk: int) -> HttpResponse:
    """Set another one."""
    resource, _decision = permitted(request, pk, Action.EDIT, Kind.STREAMER)
    form = CredentialForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        set_edit_credential(resource, form.cleaned_data["credential"], actor=request.actor)
        messages.success(request, _("Saved."))
        return redirect(card_url(resource))
    context = {"resource": resource, "form": form, "back": card_url(resource)}
    return render(request, "resources/streamer_credential.html", context, status=422 if form.errors else 200)


@not_while_impersonating
@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def remove_credential(request: Request, pk: int) -> HttpResponse:
    """Ask, then remove it."""
    resource, _decision = permitted(request, pk, Action.EDIT, Kind.STREAMER)
    if request.method == "POST":
        set_edit_credential(resource, "", actor=request.actor)
        messages.success(request, _("The edit credential is removed."))
        return redirect(card_url(resource))
    context = {"resource": resource, "back": card_url(resource)}
    return render(request, "resources/streamer_credential_remove.html", context)
