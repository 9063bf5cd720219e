"""Answers for Django: who is this (by local password), and may they."""

import secrets
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.models import Account, account_by_key, backends
from accounts.roles import PERMISSIONS, permissions_of
from accounts.services.ways import Attempt
from agora.base.models import fold

MAX_LENGTH = 128
_DECOY: list[str] = []


@sensitive_variables("password")
def authenticate(request: HttpRequest | None, username: str, password: str, attempt: Attempt) -> Account | None:
    """The account of the first backend that knows them. As Django's ``authenticate``, which at each call looks into
    the code of each backend whether it takes such arguments: ours all do."""
    answers = (backend.authenticate(request, username, password, attempt=attempt) for backend in backends())
    return next((account for account in answers if account is not None), None)


class LocalBackend(BaseBackend):
    """Local passwords and the table of roles."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Account | None:
        """The account, when the password is right. The same work is done for unknown names and over-long passwords."""
        if username is None or password is None:
            return None
        attempt: Attempt | None = kwargs.get("attempt")
        account = attempt.known if attempt and attempt.looked_up else account_by_key(fold(username))
        if attempt is not None:
            attempt.known = account
        usable = account is not None and account.has_usable_password() and len(password) <= MAX_LENGTH
        encoded = account.password if account is not None and usable else decoy()
        right = check_password(password[:MAX_LENGTH], encoded)
        return account if usable and right else None

    def get_user(self, user_id: Any) -> Account | None:
        account: Account | None = Account.objects.filter(pk=user_id).first()
        return account

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if perm not in PERMISSIONS:
            raise ValueError(f"{perm} is not in the table of permissions in accounts/roles.py.")
        if not isinstance(user_obj, Account) or not user_obj.is_usable:
            return False
        return perm in permissions_of(user_obj.role, superuser=user_obj.is_superuser)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not isinstance(user_obj, Account) or not user_obj.is_usable:
            return set()
        return set(permissions_of(user_obj.role, superuser=user_obj.is_superuser))


def decoy() -> str:
    """A hash nobody knows the password of: checked where there is no real one, so that both take the same time."""
    if not _DECOY:
        _DECOY.append(make_password(secrets.token_urlsafe()))
    return _DECOY[0]
