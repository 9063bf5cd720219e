"""Two people who have the same account open, or one in two windows: neither undoes the other without knowing."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from tests.conftest import Make

SignedIn = Callable[[Account], Client]
PROFILE = "/profile/"


def fields(page: str, action: str) -> dict[str, str]:
    """What the form with this address would send."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and not ('type="checkbox"' in tag and " checked" not in tag):
            found[name[1]] = unescape(value[1]) if value else "on" if 'type="checkbox"' in tag else ""
    for name_, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"\s+selected', options)
        found[name_] = chosen[1] if chosen else ""
    return found


def opened(client: Client, page: str, action: str) -> dict[str, str]:
    return fields(client.get(page).content.decode(), action)


class TestCard:
    def test_each_saves_what_they_changed(self, signed_in: SignedIn, root: Account, ada: Account, vic: Account) -> None:
        card, edit = f"/accounts/{vic.pk}/", f"/accounts/{vic.pk}/edit/"
        mine, theirs = signed_in(ada), signed_in(root)
        first = opened(mine, card, edit)
        assert theirs.post(edit, opened(theirs, card, edit) | {"first_name": "Anna"}).status_code == 302
        assert mine.post(edit, first | {"email": "vic@example.org"}).status_code == 302
        vic.refresh_from_db()
        assert (vic.first_name, vic.email) == ("Anna", "vic@example.org")
        last = Entry.objects.filter(event="account.changed").latest("pk")
        assert last.details["changes"] == {"email": ["", "vic@example.org"]}

    def test_the_second_of_the_same_field_is_told_and_may_insist(
        self, signed_in: SignedIn, root: Account, ada: Account, vic: Account
    ) -> None:
        card, edit = f"/accounts/{vic.pk}/", f"/accounts/{vic.pk}/edit/"
        mine, theirs = signed_in(ada), signed_in(root)
        first = opened(mine, card, edit)
        others = {"username": "victor", "first_name": "Anna", "last_name": "Tor"}
        assert theirs.post(edit, opened(theirs, card, edit) | others).status_code == 302
        answer = mine.post(edit, first | {"first_name": "Hanna", "email": "vic@example.org"})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "Somebody else changed this to “Anna”." in page and 'id="id_first_name_error"' in page
        vic.refresh_from_db()
        assert (vic.first_name, vic.email) == ("Anna", "")
        refused = Entry.objects.filter(event="account.changed").latest("pk")
        assert (refused.outcome, refused.target_name) == ("denied", "victor")
        again = fields(page, edit)
        assert (again["first_name"], again["initial-first_name"]) == ("Hanna", "Anna")
        assert mine.post(edit, again).status_code == 302
        vic.refresh_from_db()
        assert (vic.username, vic.first_name, vic.last_name, vic.email) == ("victor", "Hanna", "Tor", "vic@example.org")

    def test_what_was_shown_stays_over_an_error(
        self, signed_in: SignedIn, root: Account, ada: Account, vic: Account
    ) -> None:
        """The page with the error still tells what its reader had seen, not what is there by now."""
        card, edit = f"/accounts/{vic.pk}/", f"/accounts/{vic.pk}/edit/"
        mine = signed_in(ada)
        first = opened(mine, card, edit)
        Account.objects.filter(pk=vic.pk).update(last_name="Tor")
        page = mine.post(edit, first | {"first_name": "Vic", "email": "nowhere"}).content.decode()
        assert mine.post(edit, fields(page, edit) | {"email": "vic@example.org"}).status_code == 302
        vic.refresh_from_db()
        assert (vic.first_name, vic.last_name, vic.email) == ("Vic", "Tor", "vic@example.org")

    def test_a_form_sent_without_what_it_showed_saves_all(
        self, signed_in: SignedIn, ada: Account, vic: Account
    ) -> None:
        edit, client = f"/accounts/{vic.pk}/edit/", signed_in(ada)
        page = client.post(edit, {"username": "vic", "first_name": "Vic", "email": "nowhere"}).content.decode()
        assert client.post(edit, fields(page, edit) | {"email": ""}).status_code == 302
        vic.refresh_from_db()
        assert vic.first_name == "Vic"

    @pytest.mark.parametrize("nonsense", ["\x00", "x" * 9_000])
    def test_what_was_seen_may_be_nonsense(
        self, signed_in: SignedIn, ada: Account, vic: Account, nonsense: str
    ) -> None:
        sent = {"username": "vic", "first_name": "Vic", "initial-first_name": nonsense, "initial-email": nonsense}
        answer = signed_in(ada).post(f"/accounts/{vic.pk}/edit/", sent)
        assert answer.status_code in (302, 409)
        vic.refresh_from_db()
        assert vic.email == "" and nonsense not in vic.first_name


class TestProfile:
    def test_names(self, signed_in: SignedIn, nell: Account) -> None:
        address, client = f"{PROFILE}names/", signed_in(nell)
        first = opened(client, PROFILE, address)
        assert client.post(address, first | {"first_name": "Nell"}).status_code == 302
        assert client.post(address, first | {"last_name": "Noone"}).status_code == 302
        nell.refresh_from_db()
        assert nell.full_name == "Nell Noone"
        answer = client.post(address, first | {"last_name": "Nobody"})
        assert answer.status_code == 409 and "changed this to “Noone”" in answer.content.decode()
        assert client.post(address, fields(answer.content.decode(), address)).status_code == 302
        nell.refresh_from_db()
        assert nell.full_name == "Nell Nobody"

    def test_appearance(self, signed_in: SignedIn, make: Make) -> None:
        """The switch in the bar of another window is not turned back."""
        nell = make.account("nell", theme="light", shortcuts=True)
        address, client = f"{PROFILE}preferences/", signed_in(nell)
        first = opened(client, PROFILE, address)
        client.post(f"{PROFILE}theme/", {"theme": "dark"})
        first.pop("shortcuts")
        assert client.post(address, first | {"density": "compact"}).status_code == 302
        nell.refresh_from_db()
        assert (nell.theme, nell.density, nell.shortcuts) == ("dark", "compact", False)
