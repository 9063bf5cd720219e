"""API keys: closed while acting as somebody else; and never a way into admin mode or somebody else's view."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from api_keys.models import ApiKey
from api_keys.services.keys import create_key
from audit.models import Entry
from projects.services.projects import create_project
from sessions_admin.models import Elevation
from tests.conftest import PASSWORD, Make
from tests.impersonation.conftest import ActAs, begin

SignedIn = Callable[[Account], Client]


@pytest.fixture
def boss(make: Make) -> Account:
    return make.account("boss", role="administrator", is_superuser=True, password=PASSWORD)


@pytest.mark.parametrize("mode", ["look", "act"])
def test_keys_of_the_account_stay_closed(mode: str, act_as: ActAs, make: Make, ada: Account) -> None:
    key, _secret = create_key(ada, "Backup", actor=make.actor(ada))
    client = act_as(ada, mode)
    page = client.get("/profile/").content.decode()
    assert "API keys" not in page
    for address in ("/profile/keys/", f"/keys/{key.pk}/", f"/accounts/{ada.pk}/keys/", "/api/v1/me/keys"):
        assert client.get(address).status_code == 403, address
    assert client.post("/api/v1/me/keys", {"name": "Mine"}, content_type="application/json").status_code == 403
    assert ApiKey.objects.count() == 1


def test_the_api_with_the_cookie_looks_only_as_well(act_as: ActAs, ada: Account, vic: Account) -> None:
    client = act_as(ada, "look")
    assert client.get("/api/v1/accounts").status_code == 200
    answer = client.post("/api/v1/accounts", {"username": "new"}, content_type="application/json")
    assert answer.status_code == 403
    assert "You only look" in answer.json()["detail"]
    assert not Account.objects.filter(username="new").exists()


def test_a_key_is_not_elevated_whatever_cookie_comes_along(
    make: Make, boss: Account, ada: Account, vic: Account
) -> None:
    _key, secret = create_key(boss, "Script", actor=make.actor(boss))
    headers = {"Authorization": f"Bearer {secret}"}
    client = make.client(boss)
    assert client.post("/admin-mode/", {"reason": "Ticket", "password": PASSWORD}).status_code == 302
    answer = client.post("/api/v1/accounts", {"username": "one"}, content_type="application/json", headers=headers)
    assert answer.status_code == 201
    client.post("/admin-mode/stop/")
    begin(client, vic)
    answer = client.post("/api/v1/accounts", {"username": "two"}, content_type="application/json", headers=headers)
    assert answer.status_code == 201
    entries = Entry.objects.filter(event="account.created", outcome="success")
    assert {(entry.actor_name, entry.behalf_name, entry.elevation_id) for entry in entries} == {("boss", "", None)}


def test_a_key_starts_neither(make: Make, boss: Account, vic: Account) -> None:
    _key, secret = create_key(boss, "Script", actor=make.actor(boss))
    project = create_project("Knee study", actor=make.actor(vic))
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    for address, form in (
        ("/admin-mode/", {"reason": "Ticket", "password": PASSWORD}),
        (f"/settings/impersonate/{vic.pk}/", {"reason": "Ticket", "mode": "act"}),
        (f"/projects/{project.pk}/archive/", {}),
    ):
        assert client.post(address, form).headers["Location"].startswith("/sign-in/"), address
    assert not Elevation.objects.exists()
