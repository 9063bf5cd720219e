"""The card of one account: its facts, its sessions, what it did, what it may, and editing it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.forms.account import ProfileForm, RoleForm, SetPasswordForm
from accounts.forms.seen import remember, seen, tell
from accounts.models import Account
from accounts.roles import PERMISSIONS, Role, difference, permissions_of
from accounts.services import accounts, passwords, resets
from accounts.services.editing import EditedMeanwhile
from accounts.services.rules import is_self, may_touch_superusers
from accounts.views.common import back_to_list, person, visible_account, with_back
from agora.base.access import not_while_impersonating, requires, url_if_allowed
from agora.base.http import Request
from agora.base.pages import keyset_page
from audit.models import Entry
from sessions_admin.models import Session

TABS = (
    ("accounts:card", gettext_lazy("Overview"), "accounts.view"),
    ("accounts:card-sessions", gettext_lazy("Sessions"), "sessions.view"),
    ("accounts:card-activity", gettext_lazy("Audit log"), "audit.view"),
    ("sso:card", gettext_lazy("Identities"), "accounts.view"),
    ("api_keys:card", gettext_lazy("API keys"), "accounts.view"),
    ("accounts:card-permissions", gettext_lazy("System role"), "accounts.view"),
    ("resources:account", gettext_lazy("Permissions"), "accounts.change"),
)


def frame(request: Request, account: Account, current: str) -> dict[str, Any]:
    """What every tab of the card shows around its own content."""
    editable = not account.is_superuser or may_touch_superusers(request.actor)
    tabs = [
        (label, with_back(request, reverse(name, args=[account.pk])), name == current)
        for name, label, permission in TABS
        if request.user.has_perm(permission) and url_if_allowed(request, name, account.pk)
    ]
    return {
        "account": account,
        "tabs": tabs,
        "back": back_to_list(request),
        "here": with_back(request, reverse(current, args=[account.pk])),
        "yourself": is_self(account, request.actor),
        "may_edit": editable and request.user.has_perm("accounts.change"),
        "may_set_password": editable
        and request.user.has_perm("accounts.set_password")
        and not request.impersonator
        and not is_self(account, request.actor),
    }


def show_card(request: Request, account: Account, *, status: int = 200, **forms: BaseForm) -> HttpResponse:
    """The first tab; ``forms`` come back with their errors in place of fresh ones."""
    superusers = may_touch_superusers(request.actor)
    fresh = {
        "profile": remember(ProfileForm(instance=account)),
        "role": RoleForm(
            initial={"role": account.role, "superuser": account.is_superuser}, may_make_superusers=superusers
        ),
        "password": SetPasswordForm(),
    }
    no_link = resets.obstacle_to_link(account)
    context = {**frame(request, account, "accounts:card"), "forms": {**fresh, **forms}, "no_link": no_link}
    return render(request, "accounts/card.html", context, status=status)


@requires("accounts.view")
@require_safe
def card(request: Request, pk: int) -> HttpResponse:
    return show_card(request, visible_account(request, pk))


@requires("sessions.view")
@require_safe
def card_sessions(request: Request, pk: int) -> HttpResponse:
    """Open sessions, and the closed ones with the cause of each end."""
    account = visible_account(request, pk)
    closed = keyset_page(Session.objects.closed().of_account(pk), order="-closed_at", params=request.GET, size=20)
    opened = Session.objects.open(request.actor.at).of_account(pk).order_by("-opened_at")[:100]
    context = {**frame(request, account, "accounts:card-sessions"), "opened": opened, "page": closed}
    return render(request, "accounts/card_sessions.html", context)


@requires("audit.view")
@require_safe
def card_activity(request: Request, pk: int) -> HttpResponse:
    """What the account did and what was done to it, newest first."""
    account = visible_account(request, pk)
    page = keyset_page(Entry.objects.about_account(pk), order="-at", params=request.GET, size=50)
    context = {**frame(request, account, "accounts:card-activity"), "page": page}
    return render(request, "accounts/card_activity.html", context)


@requires("accounts.view")
@require_safe
def card_permissions(request: Request, pk: int) -> HttpResponse:
    """What the role gives, each with yes or no."""
    account = visible_account(request, pk)
    given = permissions_of(account.role, superuser=account.is_superuser)
    rows = [(label, name in given) for name, label in PERMISSIONS.items()]
    context = {**frame(request, account, "accounts:card-permissions"), "rows": rows}
    return render(request, "accounts/card_permissions.html", context)


@requires("accounts.change")
@require_POST
def edit(request: Request, pk: int) -> HttpResponse:
    """Save the profile fields."""
    account = visible_account(request, pk)
    form, status = remember(ProfileForm(request.POST, instance=account)), 422
    if form.is_valid():
        try:
            accounts.change_profile(account, form.cleaned_data, actor=request.actor, seen=seen(form))
        except ValidationError as error:
            form.add_error(None, error)
        except EditedMeanwhile as error:
            tell(form, error.current)
            status = error.status
        else:
            messages.success(request, _("Saved."))
            return redirect(with_back(request, reverse("accounts:card", args=[pk])))
    return show_card(request, visible_account(request, pk), profile=form, status=status)


@not_while_impersonating
@requires("accounts.set_password")
@sensitive_post_parameters("new_password")
@require_POST
def card_password(request: Request, pk: int) -> HttpResponse:
    """Set a password; errors come back under the field."""
    account = visible_account(request, pk)
    form = SetPasswordForm(request.POST)
    if form.is_valid():
        try:
            passwords.set_password(
                account,
                form.cleaned_data["new_password"],
                temporary=form.cleaned_data["temporary"],
                actor=request.actor,
            )
        except ValidationError as error:
            form.add_error("new_password", error)
        else:
            messages.success(request, _("Password of %(name)s changed.") % {"name": account.username})
            return redirect(with_back(request, reverse("accounts:card", args=[pk])))
    return show_card(request, account, password=form, status=422)


@requires("accounts.change")
@require_POST
def role(request: Request, pk: int) -> HttpResponse:
    """Show what a change of role gains and loses; when that is confirmed, do it."""
    account = visible_account(request, pk)
    form = RoleForm(request.POST, may_make_superusers=may_touch_superusers(request.actor))
    if not form.is_valid():
        return show_card(request, account, role=form, status=422)
    wanted, superuser = form.cleaned_data["role"], form.cleaned_data["superuser"]
    wanted = Role.ADMINISTRATOR.value if superuser else wanted
    refused = superuser and not may_touch_superusers(request.actor)  # by the service, which records it
    if "confirmed" in request.POST or refused:
        try:
            changed = accounts.change_role(
                account, wanted, superuser=superuser, actor=request.actor, seen=form.reviewed
            )
        except accounts.RoleChangedMeanwhile as error:
            return _confirm_role(request, visible_account(request, pk), wanted, superuser=superuser, meanwhile=error)
        if (changed.role, changed.is_superuser) == (account.role, account.is_superuser):
            messages.info(request, _("Nothing changed."))
        else:
            messages.success(request, _("The role of %(name)s is changed.") % {"name": account.username})
        return redirect(with_back(request, reverse("accounts:card", args=[pk])))
    return _confirm_role(request, account, wanted, superuser=superuser)


def _confirm_role(
    request: Request,
    account: Account,
    wanted: str,
    *,
    superuser: bool,
    meanwhile: accounts.RoleChangedMeanwhile | None = None,
) -> HttpResponse:
    """What the change gains and loses; it holds for the role that is shown here, which comes back with the answer."""
    gained, lost = difference(account.role, wanted, was_superuser=account.is_superuser, superuser=superuser)
    fields = {"role": wanted, "confirmed": "1", "back": back_to_list(request), "reviewed_role": account.role}
    fields |= {"superuser": "on"} if superuser else {}
    fields |= {"reviewed_superuser": "on"} if account.is_superuser else {}
    context = {
        **frame(request, account, "accounts:card"),
        "gained": gained,
        "lost": lost,
        "fields": fields,
        "role_label": Role(wanted).label,
        "superuser": superuser,
        "changed": (wanted, superuser) != (account.role, account.is_superuser),
        "person": person(request),
        "meanwhile": meanwhile,
    }
    return render(request, "accounts/role_confirm.html", context, status=meanwhile.status if meanwhile else 200)
