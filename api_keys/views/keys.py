"""What is done to one API key: change its limits, enable, disable, reset, delete. The services say who may."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agora.base.access import not_while_impersonating, signed_in_with
from agora.base.http import Request
from api_keys.forms import KeyForm
from api_keys.services import keys
from api_keys.views.common import home_of, show_secret, visible_key


@not_while_impersonating
@signed_in_with("its owner, or who edits accounts")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: Request, pk: int) -> HttpResponse:
    """Name, last day, read only, addresses; the secret stays."""
    key = visible_key(request, pk)
    keys.check_may_manage(key.account, request.actor)
    form = KeyForm.of_key(key, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            keys.change_key(key, form.limits, actor=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Saved."))
            return redirect(home_of(request, key.account))
    context = {"form": form, "key": key, "back": home_of(request, key.account)}
    return render(request, "api_keys/edit.html", context, status=422 if form.errors else 200)


@not_while_impersonating
@signed_in_with("its owner, or who edits accounts")
@require_POST
def enable(request: Request, pk: int) -> HttpResponse:
    key = visible_key(request, pk)
    keys.set_enabled(key, True, actor=request.actor)
    messages.success(request, _("%(name)s is enabled.") % {"name": key.name})
    return redirect(home_of(request, key.account))


@not_while_impersonating
@signed_in_with("its owner, or who edits accounts")
@require_POST
def disable(request: Request, pk: int) -> HttpResponse:
    key = visible_key(request, pk)
    keys.set_enabled(key, False, actor=request.actor)
    messages.success(request, _("%(name)s is disabled.") % {"name": key.name})
    return redirect(home_of(request, key.account))


@not_while_impersonating
@signed_in_with("its owner, or who edits accounts")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: Request, pk: int) -> HttpResponse:
    """Ask, then show the new secret."""
    key = visible_key(request, pk)
    if request.method == "POST":
        return show_secret(request, *keys.reset_key(key, actor=request.actor))
    keys.check_may_manage(key.account, request.actor)
    facts = [
        ("unplug", _("The old secret stops working at once, wherever it is used")),
        ("settings-2", _("Name, last day and addresses stay as they are")),
    ]
    context = {"key": key, "facts": facts, "back": home_of(request, key.account)}
    return render(request, "api_keys/reset.html", context)


@not_while_impersonating
@signed_in_with("its owner, or who edits accounts")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask, then delete; what it did stays in the audit log under its name."""
    key = visible_key(request, pk)
    home = home_of(request, key.account)
    if request.method == "POST":
        keys.delete_key(key, actor=request.actor)
        messages.success(request, _("%(name)s is deleted.") % {"name": key.name})
        return redirect(home)
    keys.check_may_manage(key.account, request.actor)
    facts = [
        ("unplug", _("Whatever uses it is refused from its next request on")),
        ("scroll-text", _("What was done with it stays in the audit log")),
    ]
    return render(request, "api_keys/delete.html", {"key": key, "facts": facts, "back": home})
