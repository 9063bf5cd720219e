"""What the API shows of accounts and what it takes."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from ninja import Schema
from pydantic import Field

from accounts.models import Account
from accounts.roles import permissions_of
from rest.answers import Body, Listed

RoleName = Literal["none", "viewer", "observer", "content_manager", "editor", "security", "administrator"]
ORDERS = Literal["username", "-username", "role", "-role", "last_login", "-last_login", "created", "-created"]


class AccountOut(Schema):
    """An account: never its password, its keys or its devices."""

    incidental: ClassVar = frozenset({"last_login"})

    id: int
    username: str
    external_id: str
    first_name: str
    last_name: str
    email: str
    role: RoleName
    superuser: bool
    active: bool
    locked_at: datetime | None
    locked_by: str
    lock_reason: str
    password: Literal["set", "temporary", "none"]
    second_factor: bool
    api_key_login: Literal["inherit", "allow", "deny"]
    last_login: datetime | None
    created_at: datetime
    modified_at: datetime

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        password = "temporary" if account.must_change_password else "set"
        return cls.model_construct(
            id=account.pk,
            **{name: getattr(account, name) for name in PLAIN},
            superuser=account.is_superuser,
            active=account.is_active,
            locked_by=account.locked_by_name,
            password=password if account.has_usable_password() else "none",
            api_key_login=account.key_login,
        )


PLAIN = (
    "username", "external_id", "first_name", "last_name", "email", "role", "locked_at", "lock_reason", "second_factor",
    "last_login", "created_at", "modified_at",
)  # fmt: skip


class AccountPage(Schema):
    items: list[AccountOut]
    next: str | None
    previous: str | None


class AccountQuery(Listed):
    """The filters of the page Users."""

    q: str = Field("", max_length=200, description="Part of the username, name or external id.")
    state: Literal["", "active", "locked", "inactive"] = ""
    role: Literal["", "superuser"] | RoleName = ""
    second_factor: Literal["", "on", "off"] = ""
    last_login: Literal["", "90", "never"] = Field("", description="90: not in 90 days.")
    order: ORDERS = "username"


class AccountIn(Body):
    """A new account; only the username is needed."""

    username: str = Field(min_length=1, max_length=150)
    external_id: str = Field("", max_length=150)
    first_name: str = Field("", max_length=150)
    last_name: str = Field("", max_length=150)
    email: str = Field("", max_length=254)
    role: RoleName = "none"
    superuser: bool = False
    password: str | None = Field(None, min_length=1, max_length=128, description="Without one it can't sign in by one.")
    temporary: bool = Field(True, description="The password must be changed at the first sign-in.")


class ProfileChange(Body):
    """What is left out stays as it is."""

    username: str = Field("", min_length=1, max_length=150)
    external_id: str = Field("", max_length=150)
    first_name: str = Field("", max_length=150)
    last_name: str = Field("", max_length=150)
    email: str = Field("", max_length=254)


class RoleChange(Body):
    role: RoleName
    superuser: bool = False


class ActiveChange(Body):
    active: bool


class PasswordIn(Body):
    password: str = Field(min_length=1, max_length=128)
    temporary: bool = True


class LockIn(Body):
    reason: str = Field("", max_length=500, description="Kept with the lock and in the audit log.")


class Me(Schema):
    """The account that is calling."""

    incidental: ClassVar = frozenset({"last_login"})

    id: int
    username: str
    external_id: str
    first_name: str
    last_name: str
    email: str
    role: RoleName
    superuser: bool
    second_factor: bool
    time_zone: str
    last_login: datetime | None
    permissions: list[str] = Field(description="What the role allows, as the operations name it.")
    api_key: str | None = Field(description="The name of the API key in use; null for a browser session.")
    api_key_id: int | None = Field(description="Its id among your keys.")

    @classmethod
    def of(cls, account: Account, key: Any = None) -> "Me":
        plain = ("username", "external_id", "first_name", "last_name", "email", "role", "second_factor", "time_zone")
        return cls.model_construct(
            id=account.pk,
            **{name: getattr(account, name) for name in (*plain, "last_login")},
            superuser=account.is_superuser,
            permissions=sorted(permissions_of(account.role, superuser=account.is_superuser)),
            api_key=key.name if key else None,
            api_key_id=key.pk if key else None,
        )
