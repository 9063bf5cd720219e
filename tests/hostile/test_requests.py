"""Hostile requests to every URL: forged, replayed, without their token, in the wrong shape."""

import pytest
from django.conf import settings
from django.urls import resolve

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from tests.hostile.payloads import ACTING, EITHER, fields, filled, route, send
from tests.pages import CAST, PROVIDER_SILENT, Row, World, changed, contents, rows

CLOSED = [row for row in rows() if row.access is not None and not row.access.public]
# Providers post there, from their own sites: what happens is decided by the signature of what they send. At the last,
# which takes redirects only, nothing does.
BY_SIGNATURE = ("/sso/<slug:alias>/acs/", "/sso/<slug:alias>/back-channel-logout/", "/sso/<slug:alias>/slo/")
FORGED = ["a" * 32, "A" * 10_000, "' OR 1=1 --", "", "null", "..", "é" * 20, "0", "%00"]


def test_which_addresses_take_posts_from_other_sites(world: World) -> None:
    ids = world.ids
    public = [row for row in ACTING if row.access is not None and row.access.public]
    assert {row.route for row in public if exempt(row.address(**ids))} == set(BY_SIGNATURE)


def exempt(address: str) -> bool:
    return getattr(resolve(address).func, "csrf_exempt", False)


@pytest.mark.parametrize("row", [row for row in ACTING if row.route not in BY_SIGNATURE], ids=route)
def test_without_the_csrf_token_nothing_happens(row: Row, world: World) -> None:
    client, anonymous = world.client("root", enforce_csrf_checks=True), world.client("nobody", enforce_csrf_checks=True)
    address, before = row.address(**world.ids), contents()
    for token in ({}, {"csrfmiddlewaretoken": "a" * 64}):
        sent = token | {"id": world.tara.pk, "username": "root", "password": "x"}
        assert client.post(address, sent).status_code == 403
        # Where a large body follows, nobody is sent to sign in before it is read, and with it the token.
        answer = anonymous.post(address, sent)
        assert answer.status_code == 403 or answer.headers["Location"].startswith("/sign-in/")
    other = client.post(address, headers={"Origin": "https://evil.example", "X-CSRFToken": "a" * 32})
    assert other.status_code == 403
    assert changed(before) == []


@pytest.mark.parametrize("row", CLOSED, ids=route)
def test_forged_session_keys_let_nobody_in(row: Row, world: World) -> None:
    opened = Session.objects.count()
    stored = Session.objects.latest("pk").key_digest
    client = world.client("nobody")
    for key in [*FORGED, stored]:
        client.cookies[settings.SESSION_COOKIE_NAME] = key
        response = client.generic(row.methods[0], row.address(**world.ids))
        assert response.status_code == 302, key
        assert response.headers["Location"].startswith("/sign-in/"), key
    assert Session.objects.count() == opened, "a forged key must not be adopted"


@pytest.mark.parametrize("row", CLOSED, ids=route)
def test_a_key_from_before_signing_out_is_dead(row: Row, world: World) -> None:
    client = world.client("root")
    stolen = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/sign-out/")
    replay = world.client("nobody")
    replay.cookies[settings.SESSION_COOKIE_NAME] = stolen
    assert replay.generic(row.methods[0], row.address(**world.ids)).headers["Location"].startswith("/sign-in/")


SHAPES = {
    "JSON": ("application/json", '{"username": "x", "is_superuser": true}'),
    "broken JSON": ("application/json", '{"username":'),
    "text": ("text/plain", "username=x"),
    "a broken upload": ("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name="),
    "an upload without a boundary": ("multipart/form-data", "x"),
    "bytes": ("application/octet-stream", "\udc80\udcff".encode("utf-8", "surrogateescape")),
    "an unknown character set": ("application/x-www-form-urlencoded; charset=klingon", "username=x"),
    "no character set's bytes": ("application/x-www-form-urlencoded", b"username=%ff%fe&reason=%80"),
    "too many fields": ("application/x-www-form-urlencoded", "&".join(f"f{n}=1" for n in range(2_000))),
    "three megabytes": ("application/x-www-form-urlencoded", "username=" + "a" * 3_000_000),
}


@pytest.mark.parametrize("row", ACTING, ids=route)
def test_bodies_of_the_wrong_shape(row: Row, world: World) -> None:
    superusers = sorted(Account.objects.filter(is_superuser=True).values_list("username", flat=True))
    address = row.address(**world.ids)
    for name, (kind, body) in SHAPES.items():
        response = world.client("root").generic("POST", address, body, content_type=kind)
        well = response.status_code < 500 or response.status_code == PROVIDER_SILENT
        assert well, f"{name}: {response.status_code}"
    assert sorted(Account.objects.filter(is_superuser=True).values_list("username", flat=True)) == superusers


@pytest.mark.parametrize("row", ACTING, ids=route)
def test_nobody_makes_themselves_more_than_they_are(row: Row, world: World) -> None:
    """Mass assignment: the fields of the table, sent along to every form, about others and about oneself."""
    for person in [name for name in CAST if name != "root"]:
        try_to_rise(world, person, row)


def try_to_rise(world: World, person: str, row: Row) -> None:
    me = Account.objects.get(username=person)
    sent = {
        "is_superuser": "on", "superuser": "on", "role": "administrator", "is_active": "on", "is_staff": "on",
        "password": "x", "locked_at": "", "permissions": "superusers.manage", "confirmed": "1", "next": "/",
        "username": me.username, "account": world.people["root"].pk, "pk": me.pk, "id": [me.pk, world.tara.pk],
    }  # fmt: skip
    for target in (me.pk, world.tara.pk, world.people["root"].pk)[: 3 if "accounts/<" in row.route else 1]:
        send(world.client(person), row, world.ids | {"accounts": target}, filled(fields(), "1", **sent))
    assert [account.username for account in Account.objects.filter(is_superuser=True)] == ["root"]
    after = Account.objects.get(pk=me.pk)
    assert (after.role, after.is_superuser) == (me.role, False)
    root = Account.objects.get(username="root")
    assert (root.role, root.password, root.is_active) == ("administrator", world.people["root"].password, True)


@pytest.mark.parametrize("person", CAST)
def test_nobody_ends_somebody_elses_session_from_the_own_profile(person: str, world: World) -> None:
    theirs = Session.objects.of_account(world.tara.pk).get()
    response = world.client(person).post(f"/profile/sessions/{theirs.pk}/end/")
    assert response.status_code == 404
    assert Session.objects.get(pk=theirs.pk).is_open


@pytest.mark.parametrize("row", [row for row in ACTING if row.access and row.access.permission], ids=route)
def test_a_refused_change_is_recorded(row: Row, world: World) -> None:
    """Who tried what: with the person's name, the address that was called, and the outcome denied."""
    world.client("nell").post(row.address(**world.ids))
    entry = Entry.objects.latest("pk")
    assert (entry.outcome, entry.actor_name, entry.path) == ("denied", "nell", row.address(**world.ids))


@pytest.mark.parametrize("row", EITHER, ids=route)
def test_methods_that_no_page_has(row: Row, world: World) -> None:
    client, address, before = world.client("root"), row.address(**world.ids), contents()
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
        assert client.generic(method, address).status_code == 405, method
    assert changed(before) == []


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "[::1", "x" * 300])
def test_names_that_are_not_this_server(host: str, world: World) -> None:
    assert world.client("root").get("/", headers={"Host": host}).status_code == 400
