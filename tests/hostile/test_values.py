"""Hostile values in every field of every page: a clear refusal or a harmless page, never a crash, never run."""

from collections.abc import Iterator
from itertools import product
from urllib.parse import parse_qsl, urlsplit

import pytest

from accounts.models import Account
from tests.hostile.noted import noted
from tests.hostile.payloads import ACTING, EITHER, ELSEWHERE, HOSTILE, LOOKING, MARKUP, answers, filters, route, send
from tests.pages import PROVIDER_SILENT, Row, World, changed, contents

LISTS = ["/accounts/", "/sessions/", "/sessions/?tab=closed", "/audit/", "/streamers/", "/streams/", "/recordings/"]
HERE = "/accounts/new/"  # on this server, where a page may be asked to go on to
# Written by refusals and failed tries, as they should be.
RECORDS = ("audit_entry", "accounts_signinthrottle", "sessions_admin_session")


@pytest.mark.parametrize("row", LOOKING, ids=route)
def test_in_the_address(row: Row, world: World) -> None:
    client, address, before = world.client("root"), row.address(**world.ids), contents()
    for name, status in answers(lambda parameters: client.get(f"{address}?{parameters}").status_code):
        # 409: what the page is about is not there to be asked, whatever the address says
        assert status in (200, 302, 400, 404, 409), f"{name}: {status}"
    assert changed(before, but=RECORDS) == []


@pytest.mark.parametrize("address", [*LISTS, "/audit/histogram/"])
def test_in_each_filter_alone(address: str, world: World) -> None:
    """One bad filter does not hide behind another: each is said and left out, or finds nothing."""
    client, usual, tried = world.client("root"), dict(parse_qsl(urlsplit(address).query)), set[str]()
    with noted() as asked:
        client.get(address, dict.fromkeys(filters(), "1") | usual)
        while found := asked.intersection(filters()) - tried:  # for any other the page has no code
            tried |= found
            for field, name in product(sorted(found), ("null bytes", "a huge number", "a far date")):
                status = client.get(address, usual | {field: HOSTILE[name]}).status_code
                assert status in (200, 400), f"{field}, {name}: {status}"
    assert "q" in tried


@pytest.mark.parametrize("row", ACTING, ids=route)
def test_in_every_field(row: Row, world: World) -> None:
    ids = world.ids
    for name, status in answers(lambda body: send(world.client("root"), row, ids, body)):
        assert status in (200, 302, 400, 404, 409, 422, 429, PROVIDER_SILENT), f"{name}: {status}"
    for account in Account.objects.all():
        for field in ("username", "first_name", "last_name", "external_id", "email", "lock_reason"):
            text = getattr(account, field)
            assert "\x00" not in text and "\u202e" not in text and len(text) <= 500, f"{field}: {text[:80]!r}"


def test_markup_is_shown_and_never_run(world: World) -> None:
    """Stored in every place that holds text and sent along in the address, it comes back escaped."""
    root = world.client("root")
    profile = {"username": "tara", "first_name": MARKUP, "last_name": MARKUP, "external_id": MARKUP}
    root.post(f"/accounts/{world.tara.pk}/edit/", profile)
    assert Account.objects.get(username="tara").last_name == MARKUP
    world.make.client(world.tara, headers={"User-Agent": MARKUP}).get("/")
    ids = world.ids
    root.post(f"/accounts/{world.tara.pk}/lock/", {"reason": MARKUP})
    for row in LOOKING:
        for headers in ({}, {"HX-Request": "true"}):
            page = root.get(row.address(**ids), {"q": MARKUP, "id": world.tara.pk, "actor": MARKUP}, headers=headers)
            text = page.content.decode() if not page.streaming else ""
            well = "<script>alert" not in text and "<img src=x" not in text and "49{%" not in text
            assert well, f"{row.route} {headers}"


@pytest.mark.parametrize("row", EITHER, ids=route)
def test_no_way_to_another_server(row: Row, world: World) -> None:
    """What goes on to where a request says gets every trick; what only looks at it the plain ones, the rest one."""
    address = row.address(**world.ids)
    closed = row.access is None or not row.access.public
    methods = [method for method in ("GET", "POST") if method in row.methods]
    for person in ("root", "nobody"):

        def answered(target: str, person: str = person) -> Iterator[tuple[str, str]]:
            client, sent = world.client(person), {"next": target, "back": target, "id": world.tara.pk}
            for method in methods:
                response = getattr(client, method.lower())(address, sent)
                body = "" if response.streaming else response.content.decode()
                yield response.headers.get("Location", "/"), body

        with noted() as asked:
            follows = any(location == HERE or f'"{HERE}"' in body for location, body in answered(HERE))
        # Whoever is nobody is sent to sign in by a closed page, whatever stands in the address: one try shows it.
        looks = not asked.isdisjoint(("next", "back"))
        away = closed and person == "nobody"
        tricks = ELSEWHERE[:1] if away or not looks else ELSEWHERE if follows else ELSEWHERE[:3]
        for target in tricks:
            for location, body in answered(target):
                assert location.startswith("/") and not location.startswith(("//", "/\\")), f"{target!r} → {location!r}"
                assert f'href="{target}"' not in body and f'value="{target}"' not in body, f"{target!r} in the page"


@pytest.mark.parametrize("row", [row for row in EITHER if "<int" in row.route], ids=route)
def test_ids_that_nothing_has(row: Row, world: World) -> None:
    client, before = world.client("root"), contents()
    for number in (0, 2**31, 2**63 - 1, 2**63, 10**30):
        address = row.address(**dict.fromkeys(world.ids, number))
        for method in row.methods:
            assert client.generic(method, address).status_code == 404, f"{method} {address}"
    assert changed(before) == []


@pytest.mark.parametrize("address", ["/accounts/lock/", "/accounts/end-sessions/", "/sessions/end/"])
def test_more_ids_than_one_action_takes(address: str, world: World) -> None:
    client, before = world.client("root"), contents()
    assert client.post(address, {"id": list(range(600))}).status_code == 400
    assert client.post(address, {"id": list(range(5_000))}).status_code == 400
    assert client.post(address, {"id": ["x", "-1", "9" * 40, "١", ""]}).status_code == 400
    assert changed(before) == []


CURSORS = [
    *("x", "W10", "WzFd", "bnVsbA", "WyIyMDI2", "WyJhIiwiYiIsImMiXQ", "W251bGwsbnVsbF0", "W3t9LHt9XQ"),
    *("WyJcdTAwMDAiLDFd", "WyJhIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTldOQ", "%00", "-", "A" * 5_000),
]


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("side", ["after", "before"])
def test_damaged_cursors(address: str, side: str, world: World) -> None:
    client = world.client("root")
    for cursor in CURSORS:
        join = "&" if "?" in address else "?"
        response = client.get(f"{address}{join}{side}={cursor}")
        assert response.status_code == 400, cursor
        assert "This page link is damaged" in response.content.decode()
