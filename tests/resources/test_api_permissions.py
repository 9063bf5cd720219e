"""Grants, Why? and check over the API."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from accounts.models import Account
from audit.models import Entry
from resources.models import Grant, Resource
from resources.roles import Action, ResourceRole
from tests.conftest import Make
from tests.resources.conftest import give
from tests.resources.test_api import send, told

N, V, E, A = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR


def grants(resource: Resource) -> dict[str, str]:
    return dict(Grant.objects.on(resource).values_list("account__username", "role"))


def test_the_whole_list_is_written_at_once(
    make: Make, root: Account, ada: Account, vic: Account, nell: Account, otto: Account, studio: Resource
) -> None:
    give(vic, studio, V)
    give(otto, studio, E)
    client, address = make.client(ada), f"/resources/{studio.pk}/grants"
    listed = send(client, "GET", address)
    assert {one["username"]: one["role"] for one in told(listed)["items"]} == {
        "root": "administrator", "vic": "viewer", "otto": "editor"
    }  # fmt: skip
    end = (timezone.now() + timedelta(days=3)).isoformat()
    items = [
        {"account": vic.pk, "role": "editor", "ends_at": end, "reason": " illness of ed "},
        {"account": "NELL", "role": "none"},
        {"account": "otto", "role": "editor"},
    ]
    saved = send(client, "PUT", address, {"items": items}, If_Match=listed["ETag"])
    assert saved.status_code == 200, saved.content
    assert told(saved) == {"version": 2, "changed": ["nell", "root", "vic"]}
    assert grants(studio) == {"vic": "editor", "nell": "none", "otto": "editor"}
    grant = Grant.objects.get(account=vic)
    assert (grant.reason, grant.granted_by_name, grant.ends_at.isoformat() == end) == ("illness of ed", "ada", True)  # type: ignore[union-attr]
    assert Grant.objects.get(account=otto).granted_by_name == "root", "what stays is not granted anew"
    entry = Entry.objects.get(event="permissions.changed")
    assert {name for name, _old, _new in entry.changes} == {"nell", "root", "vic"}
    stale = send(client, "PUT", address, {"items": []}, If_Match=listed["ETag"])
    assert (stale.status_code, told(stale)["code"]) == (412, "changed_since")
    assert send(client, "PUT", address, {"items": []}, If_Match=saved["ETag"]).status_code == 200
    assert grants(studio) == {}


def test_some_grants_change_and_the_others_stay(
    make: Make, ada: Account, vic: Account, nell: Account, studio: Resource
) -> None:
    give(vic, studio, V)
    items = [{"account": "nell", "role": "viewer"}, {"account": vic.pk, "role": None}]
    saved = send(make.client(ada), "PATCH", f"/resources/{studio.pk}/grants", {"items": items})
    assert told(saved)["changed"] == ["nell", "vic"]
    assert grants(studio) == {"root": "administrator", "nell": "viewer"}
    again = send(make.client(ada), "PATCH", f"/resources/{studio.pk}/grants", {"items": items})
    assert (told(again)["changed"], told(again)["version"]) == ([], told(saved)["version"])


@pytest.mark.parametrize(
    ("item", "field", "code"),
    [
        ({"account": "nobody"}, "items.1.account", "no_account"),
        ({"account": 10**12}, "items.1.account", "no_account"),
        ({"account": "a\0b"}, "items.1.account", "no_account"),
        ({"account": "VIC"}, "items.1.account", "twice"),
        ({"account": "nell", "ends_at": "2020-01-01T00:00:00Z"}, "items.1.ends_at", "past"),
        ({"account": "nell", "ends_at": "9999-12-31T23:59:59Z"}, "items.1.ends_at", "past"),
        ({"account": "nell", "reason": "a\0b"}, "items.1.reason", "invalid"),
    ],
)
def test_what_makes_no_sense_is_named_and_nothing_is_saved(
    item: dict[str, Any], field: str, code: str, make: Make, ada: Account, vic: Account, nell: Account, studio: Resource
) -> None:
    items = [{"account": "vic", "role": "editor"}, {"role": "viewer", **item}]
    for method in ("PUT", "PATCH"):
        answer = send(make.client(ada), method, f"/resources/{studio.pk}/grants", {"items": items})
        assert (answer.status_code, told(answer)["errors"][0]["field"]) == (422, field)
        assert told(answer)["errors"][0]["code"] == code
    assert grants(studio) == {"root": "administrator"}


def test_a_grant_that_ended_may_stay_as_it_is(make: Make, ada: Account, vic: Account, studio: Resource) -> None:
    ended = give(vic, studio, V, ends_at=timezone.now() - timedelta(days=1))
    client, address = make.client(ada), f"/resources/{studio.pk}/grants"
    items = [
        {name: one[name] for name in ("account", "role", "ends_at", "reason")}
        for one in told(send(client, "GET", address))["items"]
    ]
    assert told(send(client, "PUT", address, {"items": items}))["changed"] == []
    assert Grant.objects.get(pk=ended.pk).ends_at == ended.ends_at


def test_editors_look_and_administrators_change(make: Make, nell: Account, studio: Resource) -> None:
    client, address = make.client(nell), f"/resources/{studio.pk}/grants"
    for role, look, act in ((None, 404, 404), (N, 404, 404), (V, 403, 403), (E, 200, 403), (A, 200, 200)):
        Grant.objects.filter(account=nell).delete()
        if role:
            give(nell, studio, role)
        assert send(client, "GET", address).status_code == look, role
        change = {"items": [{"account": "nell", "role": "administrator"}]}
        assert send(client, "PATCH", address, change).status_code == act, role
        assert send(client, "PATCH", address, {"items": [{"account": "?", "role": None}]}).status_code in (act, 422)


def test_five_thousand_grants_are_read_page_by_page_and_written_at_once(
    make: Make, ada: Account, studio: Resource
) -> None:
    people = [make.account(f"user{number}") for number in range(3)]
    people += Account.objects.bulk_create(
        Account(username=f"bulk{number}", username_key=f"bulk{number}", password="!") for number in range(4_997)
    )
    client, address = make.client(ada), f"/resources/{studio.pk}/grants"
    items = [{"account": account.pk, "role": "viewer"} for account in people]
    with CaptureQueriesContext(connection) as queries:
        saved = send(client, "PUT", address, {"items": items})
    assert saved.status_code == 200, saved.content
    assert len(told(saved)["changed"]) == 5_001
    assert len(queries) < 100, "not one statement for each"
    page = told(send(client, "GET", f"{address}?limit=1000"))
    found = list(page["items"])
    while page["next"]:
        page = told(send(client, "GET", f"{address}?limit=1000&after={page['next']}"))
        found += page["items"]
    assert [one["account"] for one in found] == sorted(account.pk for account in people)
    assert send(client, "PUT", address, {"items": [*items, {"account": "ada", "role": "none"}]}).status_code == 422


@pytest.mark.parametrize("action", list(Action))
def test_why_is_the_answer_of_the_page(
    action: Action, make: Make, ed: Account, nell: Account, studio: Resource
) -> None:
    give(nell, studio, E)
    for account in ("nell", "ed", "root"):
        answer = told(send(make.client(ed), "GET", f"/resources/{studio.pk}/why?account={account}&action={action}"))
        page = make.client(ed).get(f"/resources/{studio.pk}/why/?account={account}&action={action}").content.decode()
        assert ("Allowed" in page, "Refused" in page) == (answer["allowed"], not answer["allowed"])
        assert str(escape(answer["sentence"])) in page
        assert (answer["account"], answer["resource"], answer["action"]) == (account, studio.pk, action)
        assert bool(answer["grant"]) == (account == "nell")


def test_why_asks_about_others_only_for_editors(make: Make, vic: Account, nell: Account, studio: Resource) -> None:
    client = make.client(vic)
    assert told(send(client, "GET", f"/resources/{studio.pk}/why"))["because"] == "system_role"
    assert send(client, "GET", f"/resources/{studio.pk}/why?account=nell").status_code == 422
    assert send(make.client(nell), "GET", f"/resources/{studio.pk}/why").status_code == 404
    ended = give(vic, studio, N, ends_at=timezone.now())
    answer = told(send(client, "GET", f"/resources/{studio.pk}/why"))
    assert (answer["grant"], answer["ended"]["role"]) == (None, ended.role)


def test_many_questions_at_once(make: Make, ed: Account, nell: Account, origin: Resource, studio: Resource) -> None:
    give(nell, studio, V)
    questions = [
        {"account": "nell", "resource": studio.pk},
        {"account": nell.pk, "resource": studio.pk, "action": "edit"},
        {"resource": studio.pk, "action": "create"},
        {"account": "nell", "resource": origin.pk, "action": "delete"},
        {"account": "nobody", "resource": origin.pk},
        {"account": "nell", "resource": 10**9},
    ]
    answers = told(send(make.client(ed), "POST", "/check", {"questions": questions, "explain": True}))["answers"]
    assert [(one["allowed"], one["role"], one["because"]) for one in answers] == [
        (True, "viewer", "grant"), (False, "viewer", "grant"), (True, "editor", "system_role"),
        (False, "none", "system_role"), (False, "none", "no_account"), (False, "none", "no_resource"),
    ]  # fmt: skip
    assert "nell was given Viewer on this resource by root" in answers[0]["sentence"]
    short = told(send(make.client(ed), "POST", "/check", {"questions": questions}))["answers"]
    assert short == [one | {"sentence": None} for one in answers]
    mine = told(send(make.client(nell), "POST", "/check", {"questions": questions}))["answers"]
    assert [one["because"] for one in mine] == [
        "grant", "grant", "system_role", "no_resource", "no_resource", "no_resource"
    ]  # fmt: skip
    assert not Entry.objects.filter(actor_name="ed").exclude(event="session.opened").exists()
    for wrong in ([], questions * 200, [{"account": "nell"}], [{"resource": studio.pk, "action": "fly"}]):
        assert send(make.client(ed), "POST", "/check", {"questions": wrong}).status_code == 422


def test_a_grant_that_is_taken_away_is_gone_at_the_next_request(
    make: Make, ada: Account, nell: Account, studio: Resource
) -> None:
    client, change = make.client(nell), f"/resources/{studio.pk}/grants"
    question = {"questions": [{"resource": studio.pk, "action": "edit"}]}
    for role, status, because in (("editor", 200, "grant"), (None, 404, "no_resource")):
        assert (
            send(make.client(ada), "PATCH", change, {"items": [{"account": "nell", "role": role}]}).status_code == 200
        )
        assert send(client, "GET", f"/streams/{studio.pk}").status_code == status
        assert told(send(client, "POST", "/check", question))["answers"][0]["because"] == because


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told(make: Make, ada: Account, root: Account, nell: Account, vic: Account,
                                             studio: Resource) -> None:  # fmt: skip
    address = f"/resources/{studio.pk}/grants"
    tag = send(make.client(ada), "GET", address)["ETag"]
    people = [(make.client(ada), "nell"), (make.client(root), "vic")]
    ready = Barrier(len(people), timeout=30)

    def save(client: Client, username: str) -> int:
        try:
            ready.wait()
            items = [{"account": username, "role": "editor"}]
            return send(client, "PUT", address, {"items": items}, If_Match=tag).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        found = list(pool.map(lambda one: save(*one), people))
    assert sorted(found) == [200, 412]
    assert grants(studio) == {"nell" if found[0] == 200 else "vic": "editor"}


def test_true_names_no_account(make: Make, ada: Account, studio: Resource) -> None:
    body = {"questions": [{"account": True, "resource": studio.pk}]}
    assert send(make.client(ada), "POST", "/check", body).status_code == 422
