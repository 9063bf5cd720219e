"""Who may do what with 100,000 resources and a million grants: our one rule beside django-guardian, in turns."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.db.models import QuerySet
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from guardian.backends import ObjectPermissionBackend
from guardian.models import UserObjectPermission
from guardian.shortcuts import get_objects_for_user

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.pages import keyset_page
from api_keys.models import ApiKey
from api_keys.services.keys import create_key
from bench import databases
from bench.browser import administrator
from bench.grants import FEW, HEAVY, PLAIN, POPULAR, TENTH
from bench.timing import Line, Table, in_turns, ms
from resources import drafts
from resources.models import Grant, Resource
from resources.roles import Action, Kind
from resources.services.rules import effective_role, effective_roles

NAME = "Measured by the bench"
PERMISSION = "resources.view_resource"
ROWS = 50  # of a list


def measure(table: Table, small: str, large: str, *, rounds: int) -> None:
    """On the large database beside django-guardian, then the small one beside the large."""
    with databases.use(large):
        _compare(table, rounds)
        _skew(table, rounds)
        _questions(table, rounds)
    _flat(table, small, large, rounds)


def _compare(table: Table, rounds: int) -> None:
    grants, theirs = Grant.objects.count(), UserObjectPermission.objects.count()
    table.section(f"Resources: {Resource.objects.count():,} with {grants:,} grants; {theirs:,} rows of django-guardian")
    at = timezone.now()
    for pk in (FEW, TENTH):
        account = person(pk)
        assert_same(account, at)
        works: dict[str, Callable[[], object]] = {
            "ours": lambda account=account: ours(account, at),  # type: ignore[misc]
            "guardian": lambda account=account: guardians(account),  # type: ignore[misc]
        }
        found = in_turns(works, rounds=rounds, warm_up=5)
        what = f"list of {ROWS} visible, account with {Grant.objects.of_account(account).count():,} grants"
        table.add(against(what, found["ours"], "get_objects_for_user", found["guardian"], ">= 25"))
    resources = list(Resource.objects.of_kind(Kind.STREAM).order_by("pk")[:100])
    backend = ObjectPermissionBackend()
    one = resources[0]
    works = {
        "ours": lambda: effective_roles(account, resources, at=at),
        "guardian": lambda: [backend.has_perm(account, PERMISSION, resource) for resource in resources],
    }
    with CaptureQueriesContext(connection) as queries:
        works["ours"]()
    found = in_turns(works, rounds=rounds, warm_up=5)
    what = f"the checks of a page with {len(resources)} rows, {len(queries)} query"
    table.add(against(what, found["ours"], "100 has_perm", found["guardian"], ">= 200"))
    works = {
        "check": lambda: effective_role(account, one, at=at),
        "guardian": lambda: backend.has_perm(account, PERMISSION, one),
        "nothing": select_1,
    }
    found = in_turns(works, rounds=rounds * 5, warm_up=10, in_a_row=5)
    what = "one check, beside SELECT 1"
    table.add(Line(what, ms(found["check"]), ms(found["nothing"]), found["check"] / found["nothing"], "<= 4"))
    table.add(against("one check", found["check"], "has_perm", found["guardian"]))


def _skew(table: Table, rounds: int) -> None:
    """One account that was given everything, one resource that was given to everybody."""
    at, heavy, plain = timezone.now(), person(HEAVY), person(PLAIN)
    resource = Resource.objects.get(pk=POPULAR)
    grants, people = Grant.objects.of_account(heavy).count(), Grant.objects.on(resource).count()
    works = {
        "heavy": lambda: ours(heavy, at),
        "plain": lambda: ours(plain, at),
        "guardian": lambda: guardians(heavy),
        "roles": lambda: effective_roles(heavy, [resource], at=at),
        "dialog": lambda: drafts.saved_page(resource, after=0, but=[], at=at),
    }
    found = in_turns(works, rounds=rounds, warm_up=5)
    what = f"list of {ROWS} of an account with {grants:,} grants"
    table.add(against(what, found["heavy"], "get_objects_for_user", found["guardian"]))
    table.add(Line(f"list of {ROWS} of a Viewer, who sees all but a few", ms(found["plain"]), ""))
    table.add(Line("one check of that account", ms(found["roles"]), ""))
    table.add(Line(f"a page of the dialog of a resource with {people:,} grants", ms(found["dialog"]), ""))


def _questions(table: Table, rounds: int) -> None:
    """``POST /check`` through all middlewares: a thousand questions of many accounts about many resources."""
    accounts = list(Account.objects.usable().exclude(role="administrator").order_by("pk").values_list("pk", flat=True))
    streams = list(Resource.objects.of_kind(Kind.STREAM).order_by("pk").values_list("pk", flat=True)[:20_000])
    actions = list(Action)
    questions = [
        {
            "account": accounts[number * 7_919 % len(accounts)],
            "resource": streams[number * 104_729 % len(streams)],
            "action": actions[number % len(actions)].value,
        }
        for number in range(1_000)
    ]
    with override_settings(API_RATE=10**9):
        superuser = administrator()
        ApiKey.objects.filter(account=superuser, name=NAME).delete()
        _key, secret = create_key(superuser, NAME, actor=Actor(account=superuser))
        explained = _asks(questions, secret, explain=True)
        works = {"all": _asks(questions, secret), "explained": explained, "one": _asks(questions[:1], secret)}
        found = in_turns(works, rounds=rounds, warm_up=5)
        ApiKey.objects.filter(account=superuser, name=NAME).delete()
    table.add(Line("POST /check with 1,000 questions", ms(found["all"]), "", found["all"], "<= 60", "ms"))
    table.add(Line("the same with its sentences", ms(found["explained"]), ""))
    table.add(Line("POST /check with one", ms(found["one"]), ""))


def _flat(table: Table, small: str, large: str, rounds: int) -> None:
    """The same work with a hundredth of the grants. In each database for a while: its pages stay in the caches."""
    took: dict[str, dict[str, float]] = {}
    counts = {}
    for name in (small, large):
        with databases.use(name):
            at, account = timezone.now(), person(FEW)
            resources = list(Resource.objects.of_kind(Kind.STREAM).order_by("pk")[:100])
            counts[name] = Grant.objects.count()
            works: dict[str, Callable[[], object]] = {
                "list": lambda account=account, at=at: ours(account, at),  # type: ignore[misc]
                "page": lambda account=account, at=at, rows=resources: effective_roles(account, rows, at=at),  # type: ignore[misc]
                "check": lambda account=account, at=at, row=resources[0]: effective_role(account, row, at=at),  # type: ignore[misc]
            }
            took[name] = in_turns(works, rounds=rounds, warm_up=5, in_a_row=5)
    labels = {"list": f"list of {ROWS}", "page": "checks of 100 rows", "check": "one check"}
    for work, label in labels.items():
        what = f"{label}, {counts[large]:,} grants beside {counts[small]:,}"
        big, little = took[large][work], took[small][work]
        table.add(Line(what, ms(big), ms(little), big / little, "<= 1.5"))


def against(what: str, mine: float, name: str, theirs: float, target: str = "") -> Line:
    """How many times faster ours is."""
    return Line(what, ms(mine), f"{name} {ms(theirs)}", theirs / mine, target)


def person(pk: int) -> Account:
    account = Account.objects.get(pk=pk)
    # django-guardian asks for the groups of a user; ours have none, so it gets those of nobody: an empty table.
    account.groups = Group.objects  # type: ignore[attr-defined]
    return account


def ours(account: Account, at: datetime) -> list[Resource]:
    rows = Resource.objects.visible_to(account, at=at, kind=Kind.STREAM)
    return keyset_page(rows, order="label_key", params={}, size=ROWS).rows


def guardians(account: Account) -> list[Resource]:
    """Without its question for global permissions, which our accounts do not have: one query less for it."""
    streams = Resource.objects.of_kind(Kind.STREAM)
    rows: QuerySet[Resource] = get_objects_for_user(account, PERMISSION, streams, accept_global_perms=False)
    return list(rows.order_by("label_key", "pk")[: ROWS + 1])


def assert_same(account: Account, at: datetime) -> None:
    """Both find the same rows, or the comparison means nothing. Raises AssertionError."""
    mine, theirs = ours(account, at), guardians(account)[:ROWS]
    if len(mine) < ROWS or [one.pk for one in mine] != [one.pk for one in theirs]:
        raise AssertionError(f"{len(mine)} rows of ours are not the {len(theirs)} of django-guardian.")


def select_1() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def _asks(questions: list[dict[str, Any]], secret: str, *, explain: bool = False) -> Callable[[], None]:
    """Calls the API; as many answers as questions must come."""
    handler = BaseHandler()
    handler.load_middleware()
    factory = RequestFactory(headers={"Authorization": f"Bearer {secret}"}, SERVER_NAME="localhost")
    body = json.dumps({"questions": questions, "explain": explain})

    def call() -> None:
        response = handler.get_response(factory.post("/api/v1/check", body, content_type="application/json"))
        if response.status_code != 200 or response.content.count(b'"allowed"') != len(questions):
            raise AssertionError(f"/check was answered with {response.status_code}.")

    return call
