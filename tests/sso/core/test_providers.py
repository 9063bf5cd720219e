"""The pages of providers: making, editing, ordering, enabling and deleting one."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from accounts.roles import Role
from audit.models import Entry
from sso.models import GroupRole, Identity, Ldap, Provider
from tests.conftest import PASSWORD, Make
from tests.sso.conftest import MakeProvider

LIST = "/settings/server/single-sign-on/"
NEW = LIST + "new/ldap/"
SECRET = "do not echo me"


def form(**fields: Any) -> dict[str, Any]:
    usual = {
        "name": "Clinic", "alias": "clinic", "enabled": "on", "create_accounts": "on", "new_account_role": "none",
        "server_address": "ldap.example.org", "port": "636", "use_tls": "on", "user_search_dn": "dc=example,dc=org",
        "user_search_scope": "sub", "user_id_attribute": "uid", "group_search_scope": "sub",
        "group_type": "group_of_names", "groups-TOTAL_FORMS": "3", "groups-INITIAL_FORMS": "0",
    }  # fmt: skip
    return {name: value for name, value in (usual | fields).items() if value is not None}


@pytest.fixture
def adas(make: Make, ada: Account) -> Client:
    return make.client(ada)


def saved(adas: Client, **fields: Any) -> Provider:
    response = adas.post(NEW, form(untested="1", **fields))
    assert response.status_code == 302, response.content.decode()
    return Provider.objects.with_settings().latest("pk")


def test_only_who_may_change_settings_opens_the_pages(make: Make, ada: Account, sam: Account) -> None:
    assert make.client(ada).get(LIST).status_code == 200
    assert make.client(sam).get(LIST).status_code == 403
    assert Client().get(LIST).headers["Location"].startswith("/sign-in/")


def test_what_never_passed_its_test_is_asked_twice(adas: Client) -> None:
    response = adas.post(NEW, form())
    assert response.status_code == 409
    assert "never passed the test" in response.content.decode()
    assert not Provider.objects.exists()
    assert adas.post(NEW, form(untested="1")).status_code == 302
    provider = Provider.objects.get()
    assert (provider.name, provider.alias, provider.ldap.server_address) == ("Clinic", "clinic", "ldap.example.org")
    assert Entry.objects.filter(event="provider.created").get().details["untested"] is True
    assert "Not tested" in adas.get(LIST).content.decode()


def test_a_secret_is_never_sent_back_and_an_empty_box_keeps_it(adas: Client) -> None:
    bind = {"admin_bind_dn": "cn=admin,dc=example,dc=org"}
    provider = saved(adas, admin_bind_password=SECRET, **bind)
    assert Ldap.objects.get().admin_bind_password == SECRET
    address = f"{LIST}{provider.pk}/"
    page = adas.get(address).content.decode()
    assert SECRET not in page and "Stored. Empty: unchanged." in page
    assert adas.post(address, form(version="1", name="House", untested="1", **bind)).status_code == 302
    assert Ldap.objects.get().admin_bind_password == SECRET
    changed = Entry.objects.filter(event="provider.changed").get()
    assert changed.details["changes"] == {"name": ["Clinic", "House"]}
    assert SECRET not in str(list(Entry.objects.values_list("details", flat=True)))


@pytest.mark.parametrize(
    "moved",
    [{"server_address": "evil.example.com"}, {"port": "389"}, {"use_tls": None}, {"admin_bind_dn": "cn=x,dc=a"}],
)
def test_the_stored_secret_goes_nowhere_else(adas: Client, moved: dict[str, Any]) -> None:
    bind = {"admin_bind_dn": "cn=admin,dc=example,dc=org"}
    provider = saved(adas, admin_bind_password=SECRET, **bind)
    sent = form(version="1", **(bind | moved))
    for address in (f"{LIST}{provider.pk}/", f"{LIST}{provider.pk}/test/"):
        response = adas.post(address, sent)
        assert response.status_code == 422
        assert "the stored one goes nowhere else" in response.content.decode()


def test_a_secret_that_was_typed_comes_along_encrypted_when_the_form_comes_back(
    make: Make, adas: Client, root: Account
) -> None:
    sent = form(admin_bind_dn="cn=admin,dc=example,dc=org", admin_bind_password=SECRET)
    page = adas.post(NEW, sent).content.decode()
    assert SECRET not in page
    token = re.search(r'name="admin_bind_password_kept" value="([^"]+)"', page)
    assert token is not None
    again = sent | {"admin_bind_password": "", "admin_bind_password_kept": token[1], "untested": "1"}
    assert make.client(root).post(NEW, again).status_code == 422  # somebody else's
    assert adas.post(NEW, again).status_code == 302
    assert Ldap.objects.get().admin_bind_password == SECRET


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("alias", "Große Klinik", "Use lower-case letters"),
        ("alias", "a/b", "Use lower-case letters"),
        ("server_address", "ldap://ldap.example.org", "Type only the name or address"),
        *(
            ("server_address", host, "Type only the name or address")
            for host in (
                "one.example.org,two.example.org",
                "a?b",
                "a#b",
                "%2f",
                "a\tb",
                "a:389",
                "-x",
                "::zz",
                "größe.de",
            )
        ),
        ("user_search_dn", "people", "This is no DN."),
        ("require_group", "cn=staff,dc=x", "Say where groups are"),
        ("admin_bind_dn", "cn=admin,dc=x", "Type the password of the Admin Bind DN."),
        ("ca_certificate", "nonsense", "This is no certificate."),
        ("user_id_attribute", "uid)(x=*", "This is no attribute"),
        ("port", "70000", "65535"),
        ("name", "", "This field is required."),
    ],
)
def test_what_makes_no_sense_is_said_under_its_field(adas: Client, field: str, value: str, sentence: str) -> None:
    response = adas.post(NEW, form(**{field: value}))
    assert response.status_code == 422
    assert sentence in response.content.decode()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("LDAP.example.org", "ldap.example.org"),
        ("dc_1", "dc_1"),
        ("127.0.0.1", "127.0.0.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
    ],
)
def test_names_and_addresses_of_servers_are_taken(adas: Client, typed: str, kept: str) -> None:
    assert saved(adas, server_address=typed).ldap.server_address == kept


def test_alias_and_name_are_each_the_only_one(adas: Client) -> None:
    saved(adas)
    assert "already exists" in adas.post(NEW, form(name="Other")).content.decode()
    assert "Another provider has this name." in adas.post(NEW, form(alias="other")).content.decode()


def test_lines_of_groups_are_saved_in_their_order(adas: Client) -> None:
    lines = {
        "groups-0-group": "chiefs", "groups-0-role": "administrator", "groups-1-group": "", "groups-1-role": "none",
        "groups-2-group": "staff", "groups-2-role": "viewer",
    }  # fmt: skip
    saved(adas, group_search_dn="dc=example,dc=org", **lines)
    rows = list(GroupRole.objects.values_list("position", "group", "role"))
    assert rows == [(0, "chiefs", "administrator"), (1, "staff", "viewer")]


def test_a_change_on_top_of_somebody_elses_is_refused_and_what_was_typed_stays(adas: Client) -> None:
    provider = saved(adas)
    address = f"{LIST}{provider.pk}/"
    assert adas.post(address, form(version="1", name="One", untested="1")).status_code == 302
    response = adas.post(address, form(version="1", name="Two", untested="1"))
    assert response.status_code == 409
    assert "Somebody else changed this provider" in response.content.decode()
    assert 'value="Two"' in response.content.decode()
    assert adas.post(address, form(version="2", name="Two", untested="1")).status_code == 302


def test_the_order_is_changed_one_place_at_a_time(adas: Client) -> None:
    first, second = saved(adas), saved(adas, name="Studio", alias="studio")
    adas.post(f"{LIST}{second.pk}/move/", {"up": "1"})
    assert [row.alias for row in Provider.objects.in_order()] == ["studio", "clinic"]
    adas.post(f"{LIST}{first.pk}/move/", {"down": "1"})  # the last already
    assert [row.alias for row in Provider.objects.in_order()] == ["studio", "clinic"]
    assert Entry.objects.filter(event="provider.moved").count() == 1


def test_disabling_and_deleting_say_who_loses_the_way_in(make: Make, adas: Client) -> None:
    provider = saved(adas)
    for username, password in (("eva", None), ("max", PASSWORD)):
        account = make.account(username, password=password)
        Identity.objects.create(provider=provider, subject=username, account=account, created_at=account.created_at)
    for verb in ("disable", "delete"):
        page = adas.get(f"{LIST}{provider.pk}/{verb}/").content.decode()
        assert "2 accounts are linked to it" in page
        assert "1 of them loses its only way in" in page
    adas.post(f"{LIST}{provider.pk}/disable/")
    assert not Provider.objects.enabled().exists()
    assert "never passed the test" in adas.get(f"{LIST}{provider.pk}/enable/").content.decode()
    adas.post(f"{LIST}{provider.pk}/enable/")
    assert Provider.objects.enabled().exists()
    adas.post(f"{LIST}{provider.pk}/delete/")
    assert not Provider.objects.exists() and Account.objects.named("eva").exists()
    events = ["provider.created", "provider.disabled", "provider.enabled", "provider.deleted"]
    assert (
        list(Entry.objects.filter(event__startswith="provider.").order_by("pk").values_list("event", flat=True))
        == events
    )
    assert Entry.objects.latest("pk").details["accounts_linked"] == 2


def test_the_list_says_how_many_are_linked_and_when_one_came_last(
    make: Make, adas: Client, provider: MakeProvider
) -> None:
    clinic = provider("ldap", "clinic")
    eva = make.account("eva", role=Role.VIEWER)
    Identity.objects.create(
        provider=clinic, subject="1", account=eva, created_at=eva.created_at, last_sign_in_at=eva.created_at
    )
    row = Provider.objects.with_use().get()
    assert (row.linked, row.last_used_at) == (1, eva.created_at)  # type: ignore[attr-defined]
    assert adas.get(LIST).status_code == 200


def test_buttons_on_the_sign_in_page_are_forms_in_the_order_of_the_providers(provider: MakeProvider) -> None:
    provider("openid", "keycloak")
    provider("saml", "federation")
    provider("ldap", "house")
    provider("openid", "off", enabled=False)
    page = Client().get("/sign-in/?next=/sessions/").content.decode()
    found = re.findall(r'<form method="post" action="/sso/([a-z]+)/login/">', page)
    assert found == ["keycloak", "federation"]
    assert "Sign in with Keycloak" in page


def test_there_is_no_switch_that_turns_local_sign_in_off(make: Make, provider: MakeProvider) -> None:
    """Whatever providers say or are set to, the superuser's own password lets in."""
    root = make.account("root", password=PASSWORD, role=Role.ADMINISTRATOR, is_superuser=True)
    house = provider("ldap", "house", port=1)
    Identity.objects.create(provider=house, subject="1", account=root, created_at=root.created_at)
    response = Client().post("/sign-in/", {"username": "root", "password": PASSWORD})
    assert response.headers["Location"] == "/"
