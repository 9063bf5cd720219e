"""Accounts over the API."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import Field

from accounts.models import Account
from accounts.roles import permissions_of
from accounts.views.common import person
from agora.base.access import signed_in
from agora.base.http import Request
from rest.answers import one
from rest.routes import tagged

me = Router(tags=["Own account"])


class Me(Schema):
    """The account that is calling."""

    id: int
    username: str
    external_id: str
    first_name: str
    last_name: str
    email: str
    role: str
    superuser: bool
    time_zone: str
    last_login: datetime | None
    permissions: list[str] = Field(description="What the role allows, as the operations name it.")
    api_key: str | None = Field(description="The name of the API key in use; null for a browser session.")

    @classmethod
    def of(cls, account: Account, key: Any = None) -> "Me":
        return cls(
            id=account.pk,
            username=account.username,
            external_id=account.external_id,
            first_name=account.first_name,
            last_name=account.last_name,
            email=account.email,
            role=account.role,
            superuser=account.is_superuser,
            time_zone=account.time_zone,
            last_login=account.last_login,
            permissions=sorted(permissions_of(account.role, superuser=account.is_superuser)),
            api_key=key.name if key else None,
        )


@me.get("", response=Me, operation_id="me", summary="Read your own account")
@signed_in
@tagged
def read_me(request: Request) -> HttpResponse:
    return one(request, Me.of(person(request), request.actor.key))
