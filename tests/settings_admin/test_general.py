"""Settings > Server > General: what it shows, what it refuses, what it writes down."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.test.utils import override_settings
from lxml import html

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from settings_admin.models import ServerSettings
from tests.conftest import Make

PAGE = "/settings/server/general/"
LABELS = [
    "Agora Hostname",
    "Allow registration",
    "Two-Factor Authentication",
    "Allow API Key Login",
    "Idle limit",
    "Absolute limit",
    "Send error logs to admin users",
    "Error log recipients",
    "Allow user feedback",
    "Accounts without a role may create projects",
    "Show accounts on their profile who acted as them",
    "Zip-Stream Download",
    "Max download size (in GB)",
]


def typed(client: Client, **changes: Any) -> dict[str, Any]:
    """The page's form as a browser would send it back, with changes; None leaves a field out."""
    form = html.fromstring(client.get(PAGE).content).xpath("//main//form[@method='post']")[0]
    return {name: value for name, value in {**dict(form.fields), **changes}.items() if value is not None}


def text_of(content: bytes) -> str:
    return " ".join(html.fromstring(content).text_content().split())


def test_administrators_see_every_setting_by_its_name_with_its_default(make: Make, ada: Account) -> None:
    tree = html.fromstring(make.client(ada).get(PAGE).content)
    names = [" ".join(one.text_content().split()).removesuffix(" optional") for one in tree.xpath("//main//label")]
    assert names == LABELS
    form = tree.xpath("//main//form[@method='post']")[0]
    assert {name: value for name, value in form.fields.items() if name not in ("csrfmiddlewaretoken", "version")} == {
        "hostname": "localhost:8000",
        "allow_registration": None,
        "two_factor_required": None,
        "allow_api_keys": "on",
        "send_error_mails": "on",
        "error_recipients": None,
        "allow_feedback": "on",
        "everyone_creates_projects": None,
        "tell_impersonated": "on",
        "zip_stream": None,
        "max_download_gb": "5",
        "idle_limit_number": "8",
        "idle_limit_unit": "3600",
        "absolute_limit_number": "7",
        "absolute_limit_unit": "86400",
    }


def test_others_are_refused_and_find_no_entry_in_the_menu(make: Make, sam: Account, nell: Account) -> None:
    for account in (sam, nell):
        client = make.client(account)
        assert client.get(PAGE).status_code == client.post(PAGE, {}).status_code == 403
        assert PAGE not in client.get("/").content.decode()
    assert Client().get(PAGE).status_code == 302
    assert ServerSettings.load().version == 1


def test_a_change_is_saved_and_audited_field_by_field(make: Make, ada: Account) -> None:
    client = make.client(ada)
    changes = {"hostname": "Agora.Example.com:8443", "allow_registration": "on", "allow_api_keys": None}
    more = {"error_recipients": " it@example.com,it@example.com , night@example.com", "idle_limit_number": "90"}
    answer = client.post(PAGE, typed(client, **changes, **more, idle_limit_unit="60", max_download_gb="20"))
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    row = ServerSettings.load()
    assert (row.hostname, row.allow_registration, row.allow_api_keys) == ("agora.example.com:8443", True, False)
    assert (row.error_recipients, row.max_download_gb) == ("it@example.com, night@example.com", 20)
    entry = Entry.objects.get(event="settings.changed")
    assert (entry.actor_name, entry.target_name, entry.outcome) == ("ada", "Server settings", "success")
    assert entry.details["changes"] == {
        "hostname": ["localhost:8000", "agora.example.com:8443"],
        "allow_registration": [False, True],
        "allow_api_keys": [True, False],
        "error_recipients": ["", "it@example.com, night@example.com"],
        "max_download_gb": [5, 20],
        "idle_limit": ["8 hours", "90 minutes"],
    }


def test_saving_without_a_change_writes_nothing(make: Make, ada: Account) -> None:
    client = make.client(ada)
    assert client.post(PAGE, typed(client)).status_code == 302
    assert ServerSettings.load().version == 1
    assert not Entry.objects.filter(event="settings.changed").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hostname": ""}, "This field is required."),
        ({"hostname": "https://agora.example.com/"}, "Leave out “https://” and everything after the name"),
        ({"hostname": "agora example"}, "This is no host name."),
        ({"hostname": "agora.example.com:70000"}, "This is no host name."),
        ({"hostname": "agora.example.com:0"}, "This is no host name."),
        ({"hostname": "agora.example.com\r\nX-Evil: 1"}, "This is no host name."),
        ({"hostname": "user@agora.example.com"}, "This is no host name."),
        ({"hostname": "[2001:db8::zz]"}, "This is no host name."),
        ({"error_recipients": "it@example.com, nonsense, @"}, "“nonsense” is not an e-mail address."),
        ({"error_recipients": "a@example.com\nBcc: b@example.com"}, "is not an e-mail address."),
        ({"idle_limit_number": "4", "idle_limit_unit": "60"}, "Choose at least 5 minutes."),
        ({"absolute_limit_number": "366"}, "Choose at most 365 days."),
        (
            {"idle_limit_number": "8", "idle_limit_unit": "86400"},
            "The idle limit can't be longer than the absolute limit.",
        ),
        ({"idle_limit_number": ""}, "This field is required."),
        ({"idle_limit_number": "-1"}, "Ensure this value is greater than or equal to 1."),
        ({"idle_limit_unit": "7"}, "Select a valid choice."),
        ({"max_download_gb": "7"}, "Select a valid choice."),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(
    make: Make, ada: Account, changes: dict[str, str], sentence: str
) -> None:
    client = make.client(ada)
    answer = client.post(PAGE, typed(client, **changes, allow_registration="on"))
    assert answer.status_code == 422
    assert sentence in text_of(answer.content)
    assert dict(html.fromstring(answer.content).xpath("//main//form")[0].fields)["allow_registration"] == "on"
    assert ServerSettings.load().version == 1


def test_a_name_with_other_letters_is_kept_as_the_network_knows_it(make: Make, ada: Account) -> None:
    client = make.client(ada)
    client.post(PAGE, typed(client, hostname="Bücher.example"))
    assert ServerSettings.load().hostname == "xn--bcher-kva.example"


@pytest.mark.parametrize("https", [False, True])
def test_the_preview_shows_a_link_as_mails_will_have_it(make: Make, ada: Account, https: bool) -> None:
    client = make.client(ada)
    with override_settings(HTTPS=https):
        scheme = "https" if https else "http"
        assert f"{scheme}://localhost:8000/profile/" in text_of(client.get(PAGE).content)
        fragment = client.get(PAGE + "preview/", {"hostname": "Agora.Example.com"}).content
        assert f"{scheme}://agora.example.com/profile/" in text_of(fragment)
        assert ServerSettings.load().absolute("/x/") == f"{scheme}://localhost:8000/x/"
    wrong = text_of(client.get(PAGE + "preview/", {"hostname": "agora/"}).content)
    assert "Leave out" in wrong and "://agora" not in wrong.replace("“https://”", "")


def test_a_shorter_idle_limit_holds_for_open_sessions_at_their_next_request(
    make: Make, ada: Account, vic: Account
) -> None:
    client, theirs = make.client(ada), make.client(vic)
    session = Session.objects.get(account=vic)
    Session.objects.filter(pk=session.pk).update(
        last_seen_at=session.last_seen_at - ServerSettings.load().idle_limit / 2
    )
    assert theirs.get("/profile/names/").status_code == 405  # let in; a session is touched only by what it answers
    Session.objects.filter(pk=session.pk).update(
        last_seen_at=session.last_seen_at - ServerSettings.load().idle_limit / 2
    )
    client.post(PAGE, typed(client, idle_limit_number="3"))
    assert theirs.get("/profile/").headers["Location"].startswith("/sign-in/")
    session.refresh_from_db()
    assert session.cause == "idle"
    assert client.get(PAGE).status_code == 200


def test_a_shorter_absolute_limit_ends_even_the_session_that_set_it(make: Make, ada: Account) -> None:
    client = make.client(ada)
    session = Session.objects.get(account=ada)
    Session.objects.filter(pk=session.pk).update(opened_at=session.opened_at - ServerSettings.load().absolute_limit / 2)
    client.post(PAGE, typed(client, absolute_limit_number="2"))
    assert client.get(PAGE).status_code == 302
    session.refresh_from_db()
    assert session.cause == "absolute"


def test_the_database_refuses_nonsense(make: Make) -> None:
    for values in (
        {"max_download_gb": 7},
        {"idle_limit": timedelta(days=8)},
        {"idle_limit": timedelta(minutes=1)},
        {"absolute_limit": timedelta(days=366)},
        {"id": 2},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ServerSettings.objects.update(**values)
