"""Problem details, cursors, entity tags, idempotency, rate limits."""

import json
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from accounts.filters import STATES
from accounts.models import Account, KeyLogin
from accounts.roles import Role
from accounts.schemas import AccountOut, RoleName
from agora.api import SCHEMA
from api_keys.models import ApiKey
from api_keys.services.keys import create_key
from audit.models import Entry
from rest.models import Answer
from rest.tasks import purge_old_answers
from settings_admin.models import ServerSettings
from tests.accounts.test_parallel import at_once
from tests.conftest import Make
from tests.pages import changed, contents

ACCOUNTS = "/api/v1/accounts"
KEYS = "/api/v1/me/keys"
GENERAL = "/api/v1/settings/general"


def send(client: Client, method: str, address: str, body: object = None, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: HttpResponse = client.generic(
        method, address, json.dumps(body or {}), content_type="application/json", headers=named
    )
    return response


def told(response: HttpResponse) -> Any:
    return json.loads(response.content)


class TestProblems:
    def test_a_field_says_what_the_page_would_say(self, make: Make, ada: Account) -> None:
        answer = send(make.client(ada), "POST", ACCOUNTS, {"username": "ADA"})
        problem = told(answer)
        sentence = "This username is taken. Choose another."
        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
        assert (problem["code"], problem["detail"], problem["status"]) == ("invalid", sentence, 422)
        assert [(one["field"], one["message"]) for one in problem["errors"]] == [("username", sentence)]
        assert problem["request_id"] == answer["X-Request-Id"]

    def test_a_rule_says_what_the_page_would_say(self, make: Make, ada: Account) -> None:
        answer = send(make.client(ada), "POST", f"{ACCOUNTS}/{ada.pk}/lock", {})
        assert (answer.status_code, told(answer)["code"]) == (403, "cannot_lock_yourself")
        assert "Ask another administrator" in told(answer)["detail"]
        assert Entry.objects.get(event="account.locked").outcome == "denied"

    @pytest.mark.parametrize(
        ("address", "field", "value", "code", "sentence"),
        [
            (ACCOUNTS, "username", 7, "text", "Send a text."),
            (ACCOUNTS, "username", "", "required", "This field is required."),
            (ACCOUNTS, "username", "x" * 151, "max_length", "Send at most 150 characters."),
            (ACCOUNTS, "role", "boss", "invalid_choice", "Choose one of these: 'none', 'viewer', 'observer'"),
            (ACCOUNTS, "superuser", "perhaps", "boolean", "Send true or false."),
            (ACCOUNTS, "rolle", "viewer", "unknown", "There is no such field here. Check how it is spelled."),
            (KEYS, "networks", "10.0.0.0/8", "list", "Send a list."),
            (KEYS, "networks", ["10.0.0.0/8"] * 101, "max_length", "Send at most 100 of these."),
            (KEYS, "networks", ["10.0.0.0/8", ""], "invalid", "“” is no address or network."),
            (KEYS, "networks", [" "], "invalid", "“ ” is no address or network."),
            (KEYS, "network", ["10.0.0.0/8"], "unknown", "There is no such field here."),
            (KEYS, "readonly", True, "unknown", "There is no such field here."),
            (KEYS, "expires_at", "soon", "time", "Send a time such as 2030-01-31T12:00:00Z."),
            (KEYS, "expires_at", "2030-01-31T12:00:00", "time", "Send the time with its offset"),
        ],
    )
    def test_what_is_wrong_with_a_value_is_a_sentence_with_a_code_of_ours(
        self, make: Make, ada: Account, address: str, field: str, value: object, code: str, sentence: str
    ) -> None:
        """A limit that is misspelled or empty must not make a key without one."""
        body = {"username": "new"} if address == ACCOUNTS else {"name": "Script"}
        answer = send(make.client(ada), "POST", address, body | {field: value})
        [wrong] = told(answer)["errors"]
        assert (answer.status_code, wrong["field"].partition(".")[0], wrong["code"]) == (422, field, code)
        assert wrong["message"].startswith(sentence) and wrong["message"] in told(answer)["detail"]
        assert not Account.objects.named("new").exists() and not ApiKey.objects.exists()

    def test_a_missing_field_and_a_wrong_parameter(self, make: Make, ada: Account) -> None:
        client = make.client(ada)
        [missing] = told(send(client, "POST", ACCOUNTS, {"first_name": "Jana"}))["errors"]
        assert (missing["field"], missing["code"]) == ("username", "required")
        [limit] = told(client.get(f"{ACCOUNTS}?limit=201"))["errors"]
        assert (limit["field"], limit["code"], limit["message"]) == (
            "limit", "max_value", "Send a number of at most 200.",
        )  # fmt: skip

    def test_every_body_refuses_fields_that_it_lacks(self) -> None:
        bodies = [
            one["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for methods in SCHEMA["paths"].values()
            for one in methods.values()
            if "application/json" in one.get("requestBody", {}).get("content", {})
        ]
        assert len(bodies) > 8
        described = SCHEMA["components"]["schemas"]
        assert [name for name in bodies if described[name].get("additionalProperties") is not False] == []

    @pytest.mark.parametrize("weak", ["short", "password1234", "victoria1234"])
    def test_a_weak_password_is_refused_under_its_field(
        self, make: Make, ada: Account, vic: Account, weak: str
    ) -> None:
        """However short, and where only the account's own name tells that it is weak."""
        Account.objects.filter(pk=vic.pk).update(first_name="Victoria")
        client, before = make.client(ada), Account.objects.get(pk=vic.pk).password
        new = {"username": "new", "first_name": "Victoria"}
        for method, address, sent in (("PUT", f"{ACCOUNTS}/{vic.pk}/password", {}), ("POST", ACCOUNTS, new)):
            answer = send(client, method, address, sent | {"password": weak})
            assert answer.status_code == 422
            assert {one["field"] for one in told(answer)["errors"]} == {"password"}, told(answer)
        assert Account.objects.get(pk=vic.pk).password == before and not Account.objects.named("new").exists()

    def test_a_state_forbids_it(self, make: Make, sam: Account, vic: Account) -> None:
        client = make.client(sam)
        assert send(client, "POST", f"{ACCOUNTS}/{vic.pk}/lock", {"reason": "Badge lost"}).status_code == 200
        assert told(send(client, "POST", f"{ACCOUNTS}/{vic.pk}/lock", {}))["code"] == "already_locked"
        assert Account.objects.get(pk=vic.pk).lock_reason == "Badge lost"

    def test_only_superusers_make_superusers(self, make: Make, ada: Account, root: Account) -> None:
        client = make.client(ada)
        assert send(client, "POST", ACCOUNTS, {"username": "boss", "superuser": True}).status_code == 403
        assert send(client, "PUT", f"{ACCOUNTS}/{root.pk}/password", {"password": "x" * 20}).status_code == 403
        assert send(client, "PUT", f"{ACCOUNTS}/{ada.pk}/role", {"role": "administrator", "superuser": True}
                    ).status_code == 403  # fmt: skip
        assert Account.objects.filter(is_superuser=True).count() == 1


class TestCursors:
    def test_a_list_is_read_to_its_end_and_back(self, make: Make, ada: Account) -> None:
        for number in range(7):
            make.account(f"user{number}")
        client, names, address = make.client(ada), [], f"{ACCOUNTS}?limit=3"
        while address:
            answer = client.get(address)
            page = told(answer)
            names += [one["username"] for one in page["items"]]
            address = f"{ACCOUNTS}?limit=3&after={page['next']}" if page["next"] else ""
            assert bool(address) == ('rel="next"' in answer.get("Link", ""))
        assert names == ["ada", *(f"user{number}" for number in range(7))]
        back = told(client.get(f"{ACCOUNTS}?limit=3&before={page['previous']}"))
        assert [one["username"] for one in back["items"]] == ["user2", "user3", "user4"]

    def test_filters_are_the_pages(self, make: Make, ada: Account, vic: Account, sam: Account) -> None:
        client = make.client(ada)
        assert [one["username"] for one in told(client.get(f"{ACCOUNTS}?role=viewer"))["items"]] == ["vic"]
        assert [one["username"] for one in told(client.get(f"{ACCOUNTS}?q=sa"))["items"]] == ["sam"]
        sessions = told(client.get("/api/v1/sessions?q=ada"))["items"]
        assert [(one["account"], one["cause"]) for one in sessions] == [("ada", "")]
        assert told(client.get("/api/v1/audit?event=account.created"))["items"] == []

    @pytest.mark.parametrize(
        "query", ["role=boss", "limit=0", "limit=201", "limit=x", "order=password", "after=x", "state=gone"]
    )
    def test_what_makes_no_sense_is_refused(self, make: Make, ada: Account, query: str) -> None:
        assert make.client(ada).get(f"{ACCOUNTS}?{query}").status_code in (400, 422)

    @pytest.mark.parametrize(
        "query",
        ["start=soon", "address=x", "session=x", "event=no.such", "start=2026-02-01T00:00&end=2026-01-01T00:00"],
    )
    def test_a_log_filter_that_makes_no_sense_exports_nothing(self, make: Make, sam: Account, query: str) -> None:
        client = make.client(sam)
        assert client.get(f"/api/v1/audit?{query}").status_code == 422
        assert client.post(f"/api/v1/audit/export?{query}").status_code == 422
        assert not Entry.objects.filter(event="audit.exported").exists()

    @pytest.mark.django_db(transaction=True)  # PostgreSQL's COPY reads on a connection of its own
    def test_the_export_is_a_stream_of_lines(self, make: Make, sam: Account) -> None:
        client = make.client(sam)
        send(client, "POST", f"{ACCOUNTS}/{sam.pk}/lock", {})
        answer = client.post("/api/v1/audit/export?event=account.locked")
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert [json.loads(line)["event"] for line in lines] == ["account.locked"]
        assert answer["Content-Type"] == "application/x-ndjson"


class TestEntityTags:
    def test_what_is_known_is_not_sent_again(self, make: Make, ada: Account, vic: Account) -> None:
        client = make.client(ada)
        first = client.get(f"{ACCOUNTS}/{vic.pk}")
        again = client.get(f"{ACCOUNTS}/{vic.pk}", headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.head(f"{ACCOUNTS}/{vic.pk}")["ETag"] == first["ETag"]

    def test_a_change_on_an_old_state_is_refused(self, make: Make, ada: Account, vic: Account) -> None:
        client, address = make.client(ada), f"{ACCOUNTS}/{vic.pk}"
        read = client.get(address)["ETag"]
        first = send(client, "PATCH", address, {"first_name": "Vic"}, If_Match=read)
        assert first.status_code == 200 and first["ETag"] != read
        second = send(client, "PATCH", address, {"first_name": "Other"}, If_Match=read)
        assert (second.status_code, told(second)["code"]) == (412, "changed_since")
        assert send(client, "PATCH", address, {"first_name": "Third"}, If_Match=first["ETag"]).status_code == 200
        assert send(client, "PATCH", address, {"last_name": "Any"}, If_Match="*").status_code == 200
        assert Account.objects.get(pk=vic.pk).full_name == "Third Any"

    def test_a_refusal_behind_an_entity_tag_is_recorded(self, make: Make, ada: Account) -> None:
        client, address = make.client(ada), f"{ACCOUNTS}/{ada.pk}"
        tag = client.get(address)["ETag"]
        assert send(client, "POST", f"{address}/lock", {}, If_Match=tag).status_code == 403
        assert Entry.objects.get(event="account.locked").outcome == "denied"

    def test_settings_change_by_field(self, make: Make, ada: Account) -> None:
        client = make.client(ada)
        tag = client.get(GENERAL)["ETag"]
        answer = send(client, "PATCH", GENERAL, {"idle_limit": 30, "allow_feedback": False}, If_Match=tag)
        assert answer.status_code == 200, answer.content
        assert (told(answer)["idle_limit"], told(answer)["allow_feedback"]) == (30, False)
        assert ServerSettings.load().idle_limit.total_seconds() == 1800
        changes = Entry.objects.get(event="settings.changed").details["changes"]
        assert set(changes) == {"idle_limit", "allow_feedback"}
        assert send(client, "PATCH", GENERAL, {"zip_stream": True}, If_Match=tag).status_code == 412
        wrong = send(client, "PATCH", GENERAL, {"hostname": "https://x/"})
        assert wrong.status_code == 422 and told(wrong)["errors"][0]["field"] == "hostname"

    def test_mere_use_gets_in_the_way_of_no_change(self, make: Make, ada: Account, vic: Account) -> None:
        """A reader is told of it, by the tag's second half."""
        client = make.client(ada)
        made = send(client, "POST", KEYS, {"name": "Script"})
        key, secret, tag = f"{KEYS}/{told(made)['id']}", told(made)["secret"], made["ETag"]
        assert tag.partition("-")[0] == client.get(key)["ETag"].partition("-")[0]
        assert secret not in str(tag)
        send(Client(), "GET", "/api/v1/me", Authorization=f"Bearer {secret}")
        assert client.get(key, headers={"If-None-Match": tag}).status_code == 200
        assert send(client, "PATCH", key, {"name": "Renamed"}, If_Match=tag).status_code == 200
        assert send(client, "PATCH", key, {"name": "Again"}, If_Match=tag).status_code == 412
        tag = client.get(f"{ACCOUNTS}/{vic.pk}")["ETag"]
        make.client(vic)
        assert Account.objects.get(pk=vic.pk).last_login is not None
        assert send(client, "PATCH", f"{ACCOUNTS}/{vic.pk}", {"first_name": "Vic"}, If_Match=tag).status_code == 200

    @pytest.mark.parametrize("tag", ['"nonsense"', '"nonsense-"', '""', "W/{tag}", '"{half}'])
    def test_other_tags_match_nothing(self, make: Make, ada: Account, vic: Account, tag: str) -> None:
        client, address = make.client(ada), f"{ACCOUNTS}/{vic.pk}"
        present = client.get(address)["ETag"]
        sent = tag.format(tag=present, half=present[1:10])
        assert send(client, "PATCH", address, {"first_name": "Vic"}, If_Match=sent).status_code == 412

    @pytest.mark.parametrize("verb", ["reset", "delete", "end"])
    def test_ends_and_resets_honour_it(self, make: Make, ada: Account, nell: Account, verb: str) -> None:
        client = make.client(ada)
        if verb == "end":
            make.client(nell)
            read = f"/api/v1/sessions/{nell.sessions.get().pk}"
        else:
            read = f"{KEYS}/{create_key(ada, 'Script', actor=make.actor(ada))[0].pk}"
        method, address = ("DELETE", read) if verb == "delete" else ("POST", f"{read}/{verb}")
        before = contents()
        refused = send(client, method, address, {}, If_Match='"nonsense"')
        assert (refused.status_code, told(refused)["code"]) == (412, "changed_since")
        assert changed(before) == []
        present = client.get(read)["ETag"]
        assert send(client, method, address, {}, If_Match=present).status_code in (200, 204)


class TestIdempotency:
    def test_a_create_that_is_repeated_is_done_once(self, make: Make, ada: Account) -> None:
        client, body = make.client(ada), {"username": "new"}
        first = send(client, "POST", ACCOUNTS, body, Idempotency_Key="a")
        again = send(client, "POST", ACCOUNTS, body, Idempotency_Key="a")
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content and again["Location"] == first["Location"]
        assert "Idempotency-Replayed" in again and "Idempotency-Replayed" not in first
        assert Entry.objects.filter(event="account.created").count() == 1

    def test_the_same_key_for_something_else_is_refused(self, make: Make, ada: Account) -> None:
        client = make.client(ada)
        send(client, "POST", ACCOUNTS, {"username": "new"}, Idempotency_Key="a")
        other = send(client, "POST", ACCOUNTS, {"username": "other"}, Idempotency_Key="a")
        assert (other.status_code, told(other)["code"]) == (422, "idempotency_key_reused")
        assert not Account.objects.named("other").exists()

    def test_another_account_may_use_the_same_key(self, make: Make, ada: Account, root: Account) -> None:
        assert send(make.client(ada), "POST", ACCOUNTS, {"username": "one"}, Idempotency_Key="a").status_code == 201
        assert send(make.client(root), "POST", ACCOUNTS, {"username": "two"}, Idempotency_Key="a").status_code == 201

    def test_what_was_refused_may_be_tried_again(self, make: Make, ada: Account) -> None:
        client = make.client(ada)
        body = {"username": "boss", "superuser": True}
        assert send(client, "POST", ACCOUNTS, body, Idempotency_Key="a").status_code == 403
        assert Entry.objects.get(event="account.created").outcome == "denied"
        assert not Answer.objects.exists()

    def test_of_an_answer_with_a_secret_nothing_is_kept(self, make: Make, ada: Account) -> None:
        """Not even encrypted: the secret of a key is shown once."""
        client, body = make.client(ada), {"name": "Script"}
        answer = send(client, "POST", "/api/v1/me/keys", body, Idempotency_Key="a")
        secret = told(answer)["secret"]
        again = send(client, "POST", "/api/v1/me/keys", body, Idempotency_Key="a")
        assert (again.status_code, told(again)["code"]) == (409, "secret_was_shown")
        assert "reset it" in told(again)["detail"] and secret not in again.content.decode()
        assert ApiKey.objects.count() == 1
        assert Answer.objects.get().body == "" and secret not in str(contents())

    def test_an_answer_belongs_to_who_was_answered(self, make: Make, ada: Account) -> None:
        """Another key of the account, limited to less perhaps, is not told what the first one was."""
        body, headers = {"username": "new"}, {"Idempotency-Key": "a"}
        _key, first = create_key(ada, "First", actor=make.actor(ada))
        _key, second = create_key(ada, "Second", actor=make.actor(ada))
        answers = [
            send(Client(), "POST", ACCOUNTS, body, **headers, Authorization=f"Bearer {secret}")
            for secret in (first, second, first)
        ]
        answers += [send(make.client(ada), "POST", ACCOUNTS, body, **headers)]
        assert [answer.status_code for answer in answers] == [201, 422, 201, 422], "the name is taken"
        assert ["Idempotency-Replayed" in answer for answer in answers] == [False, False, True, False]

    @pytest.mark.django_db(transaction=True)
    def test_repetitions_at_the_same_moment_make_one(self, make: Make, ada: Account) -> None:
        client, key = make.client(ada), {"Idempotency-Key": "a"}
        cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        clients = [Client() for _ in range(4)]
        for one in clients:
            one.cookies[django_settings.SESSION_COOKIE_NAME] = cookie
        statuses = at_once(clients, lambda one: send(one, "POST", ACCOUNTS, {"username": "new"}, **key))
        assert statuses == [201] * 4
        assert Account.objects.named("new").count() == 1
        assert Entry.objects.filter(event="account.created").count() == 1

    def test_old_answers_are_removed(self, make: Make, ada: Account) -> None:
        with time_machine.travel("2026-11-20T12:00Z", tick=False):
            send(make.client(ada), "POST", ACCOUNTS, {"username": "one"}, Idempotency_Key="a")
        with time_machine.travel("2026-11-21T11:59Z", tick=False):
            send(make.client(ada), "POST", ACCOUNTS, {"username": "two"}, Idempotency_Key="b")
            purge_old_answers()
            assert Answer.objects.count() == 2
        with time_machine.travel("2026-11-21T12:01Z", tick=False):
            purge_old_answers()
        assert Answer.objects.count() == 1

    def test_a_day_later_it_is_forgotten(self, make: Make, ada: Account) -> None:
        _key, secret = create_key(ada, "Script", actor=make.actor(ada))
        headers = {"Idempotency-Key": "a", "Authorization": f"Bearer {secret}"}
        with time_machine.travel("2026-11-20T12:00Z", tick=False):
            send(Client(), "POST", ACCOUNTS, {"username": "new"}, **headers)
        with time_machine.travel("2026-11-21T13:00Z", tick=False):
            answer = send(Client(), "POST", ACCOUNTS, {"username": "new"}, **headers)
        assert answer.status_code == 422, "the name is taken now"


class TestRateLimit:
    def test_it_is_told_and_enforced(self, settings: Any, make: Make, ada: Account, vic: Account) -> None:
        settings.API_RATE = 3
        cache.clear()
        with time_machine.travel("2026-11-20T12:00:10Z", tick=False):
            ada_s, vic_s = make.client(ada), make.client(vic)
            left = [ada_s.get("/api/v1/me")["RateLimit"] for _ in range(3)]
            assert left == ['"default";r=2;t=50', '"default";r=1;t=50', '"default";r=0;t=50']
            fourth = ada_s.get("/api/v1/me")
            assert (fourth.status_code, fourth["Retry-After"]) == (429, "50")
            assert told(fourth)["code"] == "too_many_requests"
            assert fourth["RateLimit-Policy"] == '"default";q=3;w=60'
            assert vic_s.get("/api/v1/me").status_code == 200, "everybody has their own"
        with time_machine.travel("2026-11-20T12:01:00Z", tick=False):
            assert ada_s.get("/api/v1/me").status_code == 200

    def test_refused_keys_are_counted_for_the_address_and_told_so(self, settings: Any, db: None) -> None:
        settings.API_RATE = 2
        cache.clear()
        with time_machine.travel("2026-11-20T12:00:10Z", tick=False):
            calls = [Client().get("/api/v1/me", headers={"Authorization": "Bearer agora_x"}) for _ in range(3)]
        assert [call.status_code for call in calls] == [401, 401, 429]
        assert [call["RateLimit"] for call in calls] == [f'"default";r={left};t=50' for left in (1, 0, 0)]


def test_the_schema_knows_every_choice() -> None:
    assert set(RoleName.__args__) == set(Role.values)  # type: ignore[attr-defined]
    assert set(AccountOut.model_fields["api_key_login"].annotation.__args__) == set(KeyLogin.values)  # type: ignore[union-attr]
    assert {state for state, _label in STATES} == {"active", "locked", "inactive"}


def test_nothing_secret_is_ever_shown(make: Make, ada: Account) -> None:
    make.account("vic", password="a password of vic's")
    vic = Account.objects.get(username="vic")
    client = make.client(ada)
    for address in (ACCOUNTS, f"{ACCOUNTS}/{vic.pk}", "/api/v1/me"):
        assert vic.password not in client.get(address).content.decode()
        assert "digest" not in client.get(address).content.decode()
