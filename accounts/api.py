"""Accounts over the API: the same services as the pages, checked by the same forms."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router

from accounts.filters import AccountFilter
from accounts.forms.account import CreateForm, LockForm, ProfileForm, SetPasswordForm
from accounts.models import Account, account_by_id
from accounts.schemas import (
    AccountIn,
    AccountOut,
    AccountPage,
    AccountQuery,
    ActiveChange,
    LockIn,
    Me,
    PasswordIn,
    ProfileChange,
    RoleChange,
)  # fmt: skip
from accounts.services import accounts, locks, passwords, second_factor
from accounts.services.accounts import PROFILE_FIELDS
from accounts.services.rules import may_touch_superusers
from accounts.views.common import person
from agora.base.access import not_while_impersonating, requires, signed_in
from agora.base.http import Request
from rest.answers import IfMatch, checked, if_unchanged, listed, one
from rest.errors import Invalid
from rest.idempotency import IdempotencyKey, once
from rest.routes import problems, tagged

me = Router(tags=["Own account"])
router = Router(tags=["Accounts"])


@me.get("", response=Me, operation_id="read_me", summary="Read your own account")
@signed_in
@tagged
def read_me(request: Request) -> HttpResponse:
    """Who you are here, what you may do, and with which key you came."""
    return one(request, Me.of(account_of(request, person(request).pk), request.actor.key))


@router.get("", response=AccountPage, operation_id="list_accounts", summary="List accounts")
@requires("accounts.view")
def list_accounts(request: Request, query: Query[AccountQuery]) -> HttpResponse:
    """By filter and order; a page at a time."""
    rows = Account.objects.visible_to(person(request))
    filters = checked(AccountFilter(request.GET, queryset=rows))
    return listed(request, AccountPage, filters.page(query.limit), AccountOut.of)


@router.post("", response={201: AccountOut}, operation_id="create_account", summary="Create an account")
@requires("accounts.create")
def create_account(request: Request, data: AccountIn, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    """Refused as on the page: a name that is taken, a weak password, a superuser made by somebody who is none."""

    def act() -> HttpResponse:
        sent = data.model_dump()
        credentials = "password" if data.password else "none"
        form = CreateForm(sent | {"credentials": credentials}, may_make_superusers=may_touch_superusers(request.actor))
        if not form.is_valid():
            raise Invalid.form(form)
        made = accounts.create_account(
            **{name: form.cleaned_data[name] for name in PROFILE_FIELDS},
            password=data.password,
            temporary=data.temporary,
            role=data.role,
            superuser=data.superuser,
            actor=request.actor,
        )
        location = reverse("api:accounts-one", args=[made.pk])
        return one(request, AccountOut.of(account_of(request, made.pk)), status=201, location=location)

    return once(request, idempotency_key, act)


@router.get("/{int:pk}", response=AccountOut, operation_id="read_account", summary="Read an account")
@requires("accounts.view")
@tagged
def read_account(request: Request, pk: int) -> HttpResponse:
    return one(request, AccountOut.of(account_of(request, pk)))


@router.patch("/{int:pk}", response=AccountOut, operation_id="change_account", summary="Change an account's profile")
@requires("accounts.change")
def change_account(request: Request, pk: int, data: ProfileChange, if_match: IfMatch = None) -> HttpResponse:
    """Username, external id, names, e-mail."""

    def act(account: Account) -> None:
        present = {name: getattr(account, name) for name in PROFILE_FIELDS}
        form = ProfileForm(present | data.model_dump(exclude_unset=True), instance=account)
        if not form.is_valid():
            raise Invalid.form(form)
        accounts.change_profile(account, form.cleaned_data, actor=request.actor)

    return changed(request, pk, if_match, act)


@router.put("/{int:pk}/role", response=AccountOut, operation_id="set_role", summary="Give an account another role")
@requires("accounts.change")
def set_role(request: Request, pk: int, data: RoleChange, if_match: IfMatch = None) -> HttpResponse:
    """A superuser is always an administrator. Nobody raises their own role."""
    return changed(
        request,
        pk,
        if_match,
        lambda account: accounts.change_role(account, data.role, superuser=data.superuser, actor=request.actor),
    )


@router.put("/{int:pk}/active", response=AccountOut, operation_id="set_active", summary="Take out of use, or into it")
@requires("accounts.change")
def set_active(request: Request, pk: int, data: ActiveChange, if_match: IfMatch = None) -> HttpResponse:
    """Out of use, its sessions end and its API keys are refused."""
    return changed(
        request, pk, if_match, lambda account: accounts.set_active(account, data.active, actor=request.actor)
    )


@router.put("/{int:pk}/password", response=AccountOut, operation_id="set_password", summary="Set a password")
@not_while_impersonating
@requires("accounts.set_password")
def set_password(request: Request, pk: int, data: PasswordIn, if_match: IfMatch = None) -> HttpResponse:
    """Of somebody else; all sessions of the account end."""

    def act(account: Account) -> None:
        form = SetPasswordForm({"new_password": data.password})
        try:
            if not form.is_valid():
                raise ValidationError(form.errors.as_data()["new_password"])
            passwords.set_password(account, data.password, temporary=data.temporary, actor=request.actor)
        except ValidationError as error:
            raise Invalid.found(error, field="password") from error

    return changed(request, pk, if_match, act)


@router.post("/{int:pk}/lock", response=AccountOut, operation_id="lock_account", summary="Lock an account")
@requires("accounts.lock")
@problems(409)
def lock_account(request: Request, pk: int, data: LockIn, if_match: IfMatch = None) -> HttpResponse:
    """Its sessions end and its API keys are refused, at once."""

    def act(account: Account) -> None:
        form = LockForm(data.model_dump())
        if not form.is_valid():
            raise Invalid.form(form)
        locks.lock(account, reason=form.cleaned_data["reason"], actor=request.actor)

    return changed(request, pk, if_match, act)


@router.post("/{int:pk}/unlock", response=AccountOut, operation_id="unlock_account", summary="Unlock an account")
@requires("accounts.lock")
@problems(409)
def unlock_account(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    """It may sign in again; ended sessions stay ended."""
    return changed(request, pk, if_match, lambda account: locks.unlock(account, actor=request.actor))


@router.post(
    "/{int:pk}/second-factor/reset", response=AccountOut, operation_id="reset_second_factor",
    summary="Reset an account's second factor",
)  # fmt: skip
@not_while_impersonating
@requires("accounts.reset_second_factor")
@problems(409)
def reset_second_factor(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    """For somebody who lost theirs: all devices and codes count no more, all sessions end."""
    return changed(request, pk, if_match, lambda account: second_factor.reset(account, actor=request.actor))


def account_of(request: Request, pk: int) -> Account:
    """404 when there is none that this person may see."""
    account: Account | None = account_by_id(pk)
    if account is None or not account.is_visible_to(person(request)):
        raise Http404
    return account


def changed(request: Request, pk: int, if_match: str | None, act: Callable[[Account], Any]) -> HttpResponse:
    """Do it to the account as If-Match names it, and show how it looks now."""

    def locked() -> Account:
        rows = Account.objects.visible_to(person(request)).select_for_update()
        account: Account = get_object_or_404(rows, pk=pk)
        return account

    if_unchanged(if_match, locked, AccountOut.of, act)
    return one(request, AccountOut.of(account_of(request, pk)))
