"""From the list into somebody else's view and back."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Elevation, Session
from tests.conftest import Make
from tests.impersonation.conftest import ActAs, begin

SignedIn = Callable[[Account], Client]
HOME = "/settings/impersonate/"
STOP = "/settings/impersonate/stop/"


def user_of(client: Client) -> str:
    """The name in the bar's account menu."""
    page = client.get("/").content.decode()
    return page.split('aria-label="Your account, ')[1].split('"')[0]


def test_the_session_acts_as_the_account_and_back(signed_in: SignedIn, root: Account, vic: Account) -> None:
    client = signed_in(root)
    begin(client, vic)
    assert user_of(client) == "vic"
    answer = client.post(STOP)
    assert answer["Location"] == HOME
    assert "no longer as vic" in client.get(HOME).content.decode()
    assert user_of(client) == "root"
    elevation = Elevation.objects.get()
    assert (elevation.account_name, elevation.target_name, elevation.end) == ("root", "vic", "stopped")


def test_what_the_account_may_is_what_one_may(act_as: ActAs, vic: Account, sam: Account) -> None:
    assert act_as(vic).get("/accounts/").status_code == 403
    assert act_as(sam).get("/accounts/").status_code == 200
    assert act_as(sam).get("/accounts/new/").status_code == 403


def test_the_banner_says_who_as_whom_since_and_until(act_as: ActAs, vic: Account) -> None:
    client = act_as(vic, "look")
    elevation = Elevation.objects.get()
    for address in ("/", "/profile/", "/accounts/", "/no-such-page/", "/sign-in/"):
        page = client.get(address).content.decode()
        banner = page.split('<div class="impersonating"')[1].split("</form>")[0]
        for text in (
            "<strong>root</strong>", "<strong>vic</strong>", "looking only", f"{elevation.started_at:%H:%M}",
            f"{elevation.ends_at:%H:%M}", 'method="post" action="/settings/impersonate/stop/"', "Stop impersonating",
        ):  # fmt: skip
            assert text in banner, address
        assert "[Acting]" in page.split("<title>")[1].split("</title>")[0]
        assert "img/favicon-impersonating" in page
    assert (elevation.ends_at - elevation.started_at).total_seconds() == 3600


def test_the_session_stays_the_superusers_and_the_last_login_as_it_was(
    act_as: ActAs, root: Account, vic: Account
) -> None:
    before = Account.objects.get(pk=vic.pk).last_login
    client = act_as(vic)
    client.get("/")
    client.post("/profile/names/", {"first_name": "Victor"})
    client.post(STOP)
    assert Account.objects.get(pk=vic.pk).last_login == before
    assert Session.objects.get().account_id == root.pk
    assert Account.objects.get(pk=vic.pk).first_name == "Victor"


def test_the_key_changes_at_both_ends(signed_in: SignedIn, root: Account, vic: Account) -> None:
    client = signed_in(root)
    keys = [client.cookies[settings.SESSION_COOKIE_NAME].value]
    begin(client, vic)
    keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    client.post(STOP)
    keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert len(set(keys)) == 3
    assert Session.objects.count() == 1
    for dead in keys[:2]:
        replay = Client()
        replay.cookies[settings.SESSION_COOKIE_NAME] = dead
        assert replay.get("/")["Location"].startswith("/sign-in/")


def test_a_form_from_before_a_switch_is_refused_after_it(make: Make, root: Account, vic: Account) -> None:
    """Else a form that was drawn for vic would change root, from a tab that nobody reloaded."""
    client = make.client(root, enforce_csrf_checks=True)

    def token() -> str:
        page = client.get("/profile/").content.decode()
        return page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]

    own = token()
    form = {"reason": "Ticket 1", "mode": "act", "csrfmiddlewaretoken": own}
    assert client.post(f"{HOME}{vic.pk}/", form).status_code == 302
    theirs = token()
    assert client.post("/profile/names/", {"first_name": "R", "csrfmiddlewaretoken": own}).status_code == 403
    assert client.post("/profile/names/", {"first_name": "V", "csrfmiddlewaretoken": theirs}).status_code == 302
    assert client.post(STOP, {"csrfmiddlewaretoken": theirs}).status_code == 302
    assert client.post("/profile/names/", {"first_name": "V", "csrfmiddlewaretoken": theirs}).status_code == 403
    names = dict(Account.objects.values_list("username", "first_name"))
    assert names == {"root": "", "vic": "V"}


def test_pages_are_not_kept_by_the_browser(act_as: ActAs, vic: Account) -> None:
    assert act_as(vic).get("/profile/")["Cache-Control"] == "no-store"


def test_looking_only_refuses_every_change(act_as: ActAs, vic: Account) -> None:
    client = act_as(vic, "look")
    answer = client.post("/profile/names/", {"first_name": "Victor"})
    assert answer.status_code == 403
    assert "You only look: nothing was changed." in answer.content.decode()
    assert Account.objects.get(pk=vic.pk).first_name == ""
    entry = Entry.objects.latest("pk")
    assert (entry.event, entry.outcome) == ("access.denied", "denied")
    assert set(entry.details) == {"reason"} and "You only look" in entry.details["reason"]
    assert (entry.actor_name, entry.behalf_name, entry.path) == ("root", "vic", "/profile/names/")
    fragment = client.post("/profile/theme/", {"theme": "dark"}, headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Retarget"]) == (422, "#toasts")
    assert client.post(STOP).status_code == 302


def test_signing_out_works_while_looking_and_ends_both(act_as: ActAs, root: Account, vic: Account) -> None:
    client = act_as(vic, "look")
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/")["Location"].startswith("/sign-in/")
    assert Elevation.objects.get().end == "session_ended"
    closed = Entry.objects.get(event="session.closed")
    assert (closed.actor_name, closed.behalf_name) == ("root", "vic")
    ended = Entry.objects.get(event="impersonation.ended")
    assert (ended.actor_name, ended.behalf_name, ended.details["cause"]) == ("root", "vic", "session_ended")


@pytest.mark.parametrize("mode", ["look", "act"])
def test_stopping_twice_says_so(act_as: ActAs, vic: Account, mode: str) -> None:
    client = act_as(vic, mode)
    client.post(STOP)
    answer = client.post(STOP)
    assert answer.status_code == 409
    assert "You act as yourself already" in answer.content.decode()
    assert Entry.objects.filter(event="impersonation.ended").count() == 1


def test_a_reason_is_needed(signed_in: SignedIn, root: Account, vic: Account) -> None:
    client = signed_in(root)
    for reason in ("", "   ", "x" * 501, "a\u202eb"):
        assert client.post(f"{HOME}{vic.pk}/", {"reason": reason, "mode": "look"}).status_code == 422
    assert client.post(f"{HOME}{vic.pk}/", {"reason": "Ticket", "mode": "admin"}).status_code == 422
    assert not Elevation.objects.exists()


def test_looking_is_what_the_form_offers_first(signed_in: SignedIn, root: Account, vic: Account) -> None:
    page = signed_in(root).get(f"{HOME}{vic.pk}/").content.decode()
    boxes = {
        box.split('value="')[1].split('"')[0]: " checked" in box for box in re.findall("<input[^>]*radio[^>]*>", page)
    }
    assert boxes == {"look": True, "act": False}


def test_a_question_that_changes_nothing_may_be_asked_while_looking(make: Make, root: Account, vic: Account) -> None:
    browser = make.client(root)
    begin(browser, vic, "look")
    asked = {"questions": [{"resource": 1}]}
    answer = browser.post("/api/v1/check", asked, content_type="application/json")
    assert (answer.status_code, answer.json()["answers"][0]["because"]) == (200, "no_resource")
