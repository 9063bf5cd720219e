"""Two administrators on the same page: nothing is overwritten without being seen."""

from django.test import Client
from lxml import html

from accounts.models import Account
from audit.models import Entry
from settings_admin.models import ServerSettings
from settings_admin.services import change_general
from tests.conftest import Make
from tests.settings_admin.test_general import PAGE, text_of, typed


def fields(content: bytes) -> dict[str, str | None]:
    return dict(html.fromstring(content).xpath("//main//form[@method='post']")[0].fields)


def save(client: Client, **changes: str | None) -> None:
    assert client.post(PAGE, typed(client, **changes)).status_code == 302


def test_the_second_is_told_what_the_first_changed_and_saves_both(make: Make, ada: Account, root: Account) -> None:
    first, second = make.client(ada), make.client(root)
    mine = typed(second, allow_registration="on")
    save(first, hostname="first.example", idle_limit_number="4")
    answer = second.post(PAGE, mine)
    assert answer.status_code == 409
    said = text_of(answer.content)
    assert "Somebody else changed these settings while you were editing them." in said and "ada saved at" in said
    rows = [row.text_content() for row in html.fromstring(answer.content).xpath("//table[@class='diff']/tbody/tr")]
    assert rows == ["Agora Hostnamelocalhost:8000first.example", "Idle limit8 hours4 hours"]
    row = ServerSettings.load()
    assert (row.hostname, row.allow_registration) == ("first.example", False)
    merged = fields(answer.content)
    assert (merged["hostname"], merged["idle_limit_number"], merged["allow_registration"]) == (
        "first.example",
        "4",
        "on",
    )
    assert html.fromstring(answer.content).xpath("//form/@data-unsaved") == ["1"]
    assert second.post(PAGE, {name: value for name, value in merged.items() if value is not None}).status_code == 302
    row = ServerSettings.load()
    assert (row.hostname, row.allow_registration, row.version) == ("first.example", True, 3)


def test_where_both_changed_the_same_the_second_decides_knowingly(make: Make, ada: Account, root: Account) -> None:
    first, second = make.client(ada), make.client(root)
    mine = typed(second, hostname="second.example")
    save(first, hostname="between.example")
    save(first, hostname="first.example", allow_feedback=None)
    answer = second.post(PAGE, mine)
    assert "You both changed: Agora Hostname." in text_of(answer.content)
    rows = [row.text_content() for row in html.fromstring(answer.content).xpath("//table[@class='diff']/tbody/tr")]
    assert rows == ["Agora Hostnamelocalhost:8000first.example", "Allow user feedbackOnOff"]
    merged = fields(answer.content)
    assert (merged["hostname"], merged["allow_feedback"]) == ("second.example", None)
    save(second, hostname="second.example")
    assert Entry.objects.filter(event="settings.changed", outcome="success").latest("pk").details["changes"] == {
        "hostname": ["first.example", "second.example"]
    }


def test_who_saved_as_another_is_named_with_both_names(make: Make, ada: Account, root: Account, vic: Account) -> None:
    second = make.client(ada)
    mine = typed(second, allow_registration="on")
    change_general({"hostname": "first.example"}, version=1, actor=make.actor(vic, impersonator=root))
    assert "root as vic saved at" in text_of(second.post(PAGE, mine).content)


def test_the_refusal_is_recorded_and_a_made_up_version_is_refused_too(make: Make, ada: Account) -> None:
    client = make.client(ada)
    for version in ("2", "2147483647"):
        assert client.post(PAGE, typed(client, version=version, hostname="x.example")).status_code == 409
    for version in ("", "x", "0", "9" * 40):
        assert client.post(PAGE, typed(client, version=version, hostname="x.example")).status_code == 422
    assert ServerSettings.load().hostname == "localhost:8000"
    assert Entry.objects.filter(event="settings.changed", outcome="denied").count() == 2
