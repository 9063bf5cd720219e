"""schemathesis tries a live server against its own schema, as everybody: no 5xx, nothing the schema doesn't say."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from hypothesis import HealthCheck, Phase, given, settings
from ninja import Schema
from pytest_django.live_server_helper import LiveServer
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)  # fmt: skip

from accounts.models import Account
from agora.api import SCHEMA
from api_keys.services.keys import create_key
from settings_admin.models import ServerSettings
from tests.conftest import Make
from tests.pages import CAST, World

CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
)  # fmt: skip
EXAMPLES, FEW = {"root": 9, "ada": 4}, 3  # of each operation; fewer for those who may little


@pytest.fixture
def secrets(settings: Any, transactional_db: None, make: Make) -> dict[str, str]:
    settings.API_RATE = 10**9
    world = World(make)
    people = world.people.items()
    return {name: create_key(person, "Probe", actor=make.actor(person))[1] for name, person in people} | {"nobody": ""}


@pytest.mark.parametrize("person", ["nobody", *CAST])
def test_the_server_keeps_to_its_schema(person: str, live_server: LiveServer, secrets: dict[str, str]) -> None:
    try_everything(live_server, person, {"Authorization": f"Bearer {secrets[person]}"} if secrets[person] else {})


@pytest.mark.parametrize("token", ["with the page's token", "without"])
def test_a_browsers_session_is_answered_by_the_same_schema(
    token: str, live_server: LiveServer, secrets: dict[str, str], make: Make
) -> None:
    """Its own session ends by some of the calls: from then on it is nobody's, which the schema knows as well."""
    key = make.client(Account.objects.get(username="ada")).cookies[django_settings.SESSION_COOKIE_NAME].value
    csrf = "a" * 32
    headers = {"Cookie": f"{django_settings.SESSION_COOKIE_NAME}={key}; {django_settings.CSRF_COOKIE_NAME}={csrf}"}
    try_everything(live_server, "vic", headers | ({"X-CSRFToken": csrf} if token != "without" else {}))
    made = Account.objects.count() > len(CAST) + 1
    assert made is (token != "without")


def try_everything(live_server: LiveServer, person: str, headers: dict[str, str]) -> None:
    tried = 0
    for cases in operations():
        for case in cases[: EXAMPLES.get(person, FEW)]:
            attempt(case, live_server.url, headers)
            tried += 1
        # What it changed may keep the next operation from being tried at all.
        ServerSettings.objects.update(allow_api_keys=True, allow_registration=False)
        Account.objects.update(is_active=True, locked_at=None, locked_by_id=None, locked_by_name="", lock_reason="")
    assert tried > len(SCHEMA["paths"])


def test_no_two_schemas_have_one_name() -> None:
    """The description names each once; a second one would be described as the first."""
    found: dict[str, set[type]] = {}
    for kind in every_schema(Schema):
        if any(word in kind.__module__ for word in ("api", "schemas")) and not kind.__module__.startswith("ninja"):
            found.setdefault(kind.__name__, set()).add(kind)
    assert len(found) > 30
    assert {name: kinds for name, kinds in found.items() if len(kinds) > 1} == {}


def every_schema(kind: type) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from every_schema(below)


@cache
def operations() -> list[list[Any]]:
    """What the schema makes for each operation: the same for everybody, and making it takes longer than sending it."""
    schema = schemathesis.openapi.from_dict(SCHEMA)
    return [examples_of(found.ok(), max(EXAMPLES.values())) for found in schema.get_all_operations()]


def attempt(case: Any, url: str, headers: dict[str, str]) -> None:
    case.validate_response(case.call(base_url=url, headers=headers, timeout=20), checks=CHECKS)


def examples_of(operation: Any, most: int) -> list[Any]:
    """Half of them are about a thing that is there."""
    made: list[Any] = []

    @settings(
        max_examples=most, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def keep(case: Any) -> None:
        if "pk" in (case.path_parameters or {}) and len(made) % 2 == 0:
            case.path_parameters["pk"] = (len(made) + 1) % 12 + 1
        made.append(case)

    keep()
    return made
