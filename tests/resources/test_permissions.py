"""The Resource Permissions dialog as a form without a script, its saving, and Why?"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry
from resources.drafts import SHOWN
from resources.models import Grant, Resource
from resources.roles import Action, ResourceRole
from resources.services.grants import ChangedMeanwhile, Wanted, note_ended_grants, save_grants
from resources.services.resources import create_streamer
from resources.services.rules import MayNotShare, effective_role
from tests.conftest import Make
from tests.resources.conftest import give

N, V, E, A = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR


class Dialog:
    """The form as a browser without a script would send it: all its fields as they stand, and one button."""

    def __init__(self, client: Client, resource: Resource) -> None:
        self.client, self.address = client, f"/resources/{resource.pk}/permissions/"
        self.read(self.client.get(self.address))

    def read(self, response: Any) -> None:
        self.status, self.page = response.status_code, response.content.decode()
        form = self.page.partition('<form id="permissions"')[2].partition("</form>")[0]
        self.fields: dict[str, list[str]] = {}
        for tag in re.findall(r"<input[^>]*>", form):
            name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
            if name:
                self.fields.setdefault(name[1], []).append(value[1] if value else "")
        for name, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form):
            chosen = re.search(r'value="([^"]*)" selected', options)
            self.fields[name] = [chosen[1] if chosen else ""]

    def press(self, button: str, value: object = "1", **typed: str) -> "Dialog":
        fields = self.fields | {name.replace("_", "-"): [text] for name, text in typed.items()}
        self.read(self.client.post(self.address, fields | {button: [str(value)]}))
        return self

    @property
    def rows(self) -> list[str]:
        return re.findall(r'<li class="([^"]*)" id="grant-\d+"', self.page)


def test_enter_saves_unless_there_is_something_to_search_for(
    make: Make, ada: Account, nell: Account, studio: Resource
) -> None:
    dialog = Dialog(make.client(ada), studio)
    form = dialog.page.partition('<form id="permissions"')[2]
    assert re.search(r"<button(?! type=\"button\")[^>]* name=\"(\w+)\"", form)[1] == "enter"  # type: ignore[index]
    dialog.press("enter", q="nel").press("add", nell.pk)
    dialog.press("enter", q="vic", **{f"reason_{nell.pk}": "illness"})
    assert not Grant.objects.filter(account=nell).exists() and "1 unsaved change<" in dialog.page
    dialog.press("enter", q=" ", **{f"ends_{nell.pk}": "2020-01-01"})
    assert (dialog.status, "This day is over" in dialog.page) == (422, True)
    dialog.press("enter", q="", **{f"ends_{nell.pk}": ""})
    assert (dialog.status, Grant.objects.get(account=nell).reason) == (302, "illness")


def test_search_add_as_viewer_choose_a_role_save(make: Make, ada: Account, nell: Account, studio: Resource) -> None:
    dialog = Dialog(make.client(ada), studio)
    dialog.press("search", q="nel")
    assert f'name="add" value="{nell.pk}"' in dialog.page and "Add as Viewer" in dialog.page
    dialog.press("add", nell.pk)
    assert dialog.fields[f"role-{nell.pk}"] == ["viewer"]
    assert "1 unsaved change<" in dialog.page and not Grant.objects.filter(account=nell).exists()
    dialog.press("save", **{f"role_{nell.pk}": "editor", f"reason_{nell.pk}": "illness of ed"})
    grant = Grant.objects.get(account=nell)
    assert (grant.role, grant.reason, grant.granted_by_name, grant.ends_at) == ("editor", "illness of ed", "ada", None)
    entry = Entry.objects.get(event="permissions.changed")
    assert entry.changes == [("nell", None, "editor (illness of ed)")]


def test_who_is_called_after_a_secret_is_told_of_like_everybody(
    make: Make, ada: Account, root: Account, studio: Resource
) -> None:
    tina = make.account("secretary", role="viewer")
    first, second = Dialog(make.client(ada), studio), Dialog(make.client(root), studio)
    first.press("add", tina.pk)
    first.press("save", **{f"role_{tina.pk}": "editor"})
    entry = Entry.objects.get(event="permissions.changed")
    assert entry.changes == [("secretary", None, "editor")] and entry.details["changes"][0]["id"] == tina.pk
    second.press("save", **{"add": tina.pk})
    for page in (
        second.page,
        make.client(ada).get(f"/streams/{studio.pk}/history/").text,
        make.client(ada).get(f"/audit/{entry.pk}/").text,
    ):
        assert "secretary" in page and "editor" in page and "•••" not in page


def test_people_are_found_by_username_names_and_external_id(make: Make, ada: Account, studio: Resource) -> None:
    klara = make.account("k.weiss", first_name="Klara", last_name="Weiss", external_id="hr-77")
    client = make.client(ada)
    for text in ("k.w", "KLARA", "eiss", "hr-77"):
        assert (
            f'value="{klara.pk}"' in client.get(f"/resources/{studio.pk}/permissions/people/?q={text}").content.decode()
        )
    give(klara, studio, V)
    found = client.get(f"/resources/{studio.pk}/permissions/people/?q=klara").content.decode()
    assert "Has access" in found
    assert "Always has access" in client.get(f"/resources/{studio.pk}/permissions/people/?q=ada").content.decode()
    assert "Nobody found" in client.get(f"/resources/{studio.pk}/permissions/people/?q=zzz").content.decode()


def test_removing_can_be_undone_until_it_is_saved(make: Make, ada: Account, nell: Account, studio: Resource) -> None:
    give(nell, studio, E)
    dialog = Dialog(make.client(ada), studio)
    dialog.press("drop", nell.pk)
    assert "gone" in dialog.rows and "1 unsaved change<" in dialog.page
    dialog.press("undo", nell.pk)
    assert "gone" not in dialog.rows and "unsaved" not in dialog.page
    assert dialog.fields[f"role-{nell.pk}"] == ["editor"]
    dialog.press("drop", nell.pk).press("save")
    assert not Grant.objects.filter(account=nell).exists()


def test_an_end_is_the_last_day_in_the_readers_time_zone(
    make: Make, ada: Account, nell: Account, studio: Resource
) -> None:
    Account.objects.filter(pk=ada.pk).update(time_zone="Europe/Zurich")
    dialog = Dialog(make.client(ada), studio).press("add", nell.pk)
    dialog.press("save", **{f"ends_{nell.pk}": "2020-01-01"})
    assert dialog.status == 422 and "This day is over" in dialog.page
    assert dialog.fields[f"ends-{nell.pk}"] == ["2020-01-01"]
    dialog.press("save", **{f"ends_{nell.pk}": "2998-07-31"})
    grant = Grant.objects.get(account=nell)
    assert grant.ends_at is not None and grant.ends_at.isoformat() == "2998-07-31T22:00:00+00:00"
    again = Dialog(make.client(ada), studio)
    assert again.fields[f"ends-{nell.pk}"] == ["2998-07-31"]
    again.press("save")
    assert Entry.objects.filter(event="permissions.changed").count() == 1


def test_the_second_of_two_people_is_told_and_loses_nothing(
    make: Make, ada: Account, root: Account, nell: Account, vic: Account, sam: Account, studio: Resource
) -> None:
    give(vic, studio, V)
    give(sam, studio, V)
    mine, theirs = Dialog(make.client(ada), studio), Dialog(make.client(root), studio)
    theirs.press("drop", sam.pk).press("save", **{f"role_{vic.pk}": "editor"})
    mine.press("add", nell.pk).press("save")
    assert mine.status == 409
    assert "Somebody else changed these permissions" in mine.page and "root saved at" in mine.page
    assert not Grant.objects.filter(account=nell).exists()
    assert mine.fields[f"role-{vic.pk}"] == ["editor"], "their change shows, for it was not mine"
    mine.press("save")
    assert dict(Grant.objects.exclude(account=root).values_list("account__username", "role")) == {
        "nell": "viewer",
        "vic": "editor",
    }


def test_saving_is_all_or_nothing_and_asks_the_rule(make: Make, ed: Account, nell: Account, studio: Resource) -> None:
    with pytest.raises(MayNotShare):
        save_grants(studio, {nell.pk: Wanted(A)}, version=1, actor=make.actor(ed))
    with pytest.raises(ChangedMeanwhile):
        save_grants(studio, {nell.pk: Wanted(A)}, version=7, actor=make.actor())
    assert not Grant.objects.filter(account=nell).exists()
    assert [entry.outcome for entry in Entry.objects.filter(event="permissions.changed")] == ["denied", "denied"]


def test_editors_look_and_viewers_do_not(
    make: Make, ed: Account, vic: Account, nell: Account, studio: Resource
) -> None:
    give(nell, studio, V)
    page = make.client(ed).get(f"/resources/{studio.pk}/permissions/").content.decode()
    assert "nell" in page and 'name="save"' not in page and "<select" not in page
    assert make.client(ed).get(f"/resources/{studio.pk}/permissions/people/?q=a").status_code == 403
    assert make.client(vic).get(f"/resources/{studio.pk}/permissions/").status_code == 403


def test_thousands_of_grants_stay_usable(make: Make, ada: Account, nell: Account, studio: Resource) -> None:
    people = Account.objects.bulk_create(
        Account(username=f"user{n:04}", username_key=f"user{n:04}", search_text=f"user{n:04}") for n in range(5_000)
    )
    now = timezone.now()
    Grant.objects.bulk_create(Grant(account=one, resource=studio, role=V, granted_at=now) for one in people)
    dialog = Dialog(make.client(ada), studio)
    assert len(dialog.rows) == SHOWN
    assert "user0003" in dialog.page and len(dialog.page) < 200_000
    dialog.press("search", q="user4321").press("add", people[4321].pk)
    assert len(dialog.rows) == SHOWN + 1 and "unsaved" not in dialog.page
    dialog.press("page", people[SHOWN].pk, **{f"role_{people[4321].pk}": "none"})
    assert "1 unsaved change<" in dialog.page and f"user{SHOWN + 2:04}" in dialog.page
    dialog.press("drop", people[SHOWN + 2].pk).press("save")
    assert Grant.objects.get(account=people[4321]).role == N
    assert not Grant.objects.filter(account=people[SHOWN + 2]).exists()
    assert Grant.objects.filter(resource=studio, role=V).count() == 4_998


def test_hostile_drafts(make: Make, ada: Account, nell: Account, studio: Resource) -> None:
    client, address = make.client(ada), f"/resources/{studio.pk}/permissions/"
    for account in ("9" * 40, "-1", "x", "٣", "", str(2**62)):
        sent = {"account": account, f"role-{account}": "administrator", "save": "1", "version": "1"}
        assert client.post(address, sent).status_code == 302
    for role in ("root", "", "ADMINISTRATOR", "\x00"):
        sent = {"account": str(nell.pk), f"role-{nell.pk}": role, "save": "1", "version": "1"}
        assert client.post(address, sent).status_code == 422
    for day in ("9999-12-31", "0001-01-01", "tomorrow"):
        fields = {f"role-{nell.pk}": "viewer", f"ends-{nell.pk}": day}
        assert client.post(address, {"account": str(nell.pk), "save": "1", "version": "1", **fields}).status_code == 422
    assert not Grant.objects.filter(account=nell).exists()


@pytest.mark.parametrize("action", list(Action))
def test_why_says_what_http_answers(action: Action, make: Make, ada: Account, nell: Account, studio: Resource) -> None:
    for role in ResourceRole:
        Grant.objects.filter(account=nell).delete()
        give(nell, studio, role)
        allowed = effective_role(nell, studio, at=timezone.now()).allows(action)
        page = make.client(ada).get(f"/resources/{studio.pk}/why/?account=nell&action={action}").content.decode()
        assert ("Allowed" in page, "Refused" in page) == (allowed, not allowed)
        assert f"nell was given {role.label} on this resource by root on" in page
        client = make.client(nell)
        answers = {
            Action.VIEW: client.get(f"/streams/{studio.pk}/"),
            Action.CREATE: client.get("/recordings/new/"),
            Action.EDIT: client.post(f"/streams/{studio.pk}/", {"name": ""}),
            Action.DELETE: client.get(f"/streams/{studio.pk}/delete/"),
            Action.SEE_PERMISSIONS: client.get(f"/resources/{studio.pk}/permissions/"),
            Action.CHANGE_PERMISSIONS: client.get(f"/resources/{studio.pk}/permissions/people/"),
        }
        assert (answers[action].status_code in (200, 422)) == allowed, role


def test_viewers_ask_only_about_themselves(make: Make, vic: Account, nell: Account, studio: Resource) -> None:
    client = make.client(vic)
    assert (
        "The system role Viewer gives Viewer here."
        in client.get(f"/resources/{studio.pk}/why/?account=vic&action=view").content.decode()
    )
    assert client.get(f"/resources/{studio.pk}/why/?account=nell&action=view").status_code == 400
    assert make.client(nell).get(f"/resources/{studio.pk}/why/").status_code == 404


def test_ended_grants_are_written_down_once(nell: Account, vic: Account, studio: Resource) -> None:
    now = timezone.now()
    give(nell, studio, E, ends_at=now - timedelta(seconds=1))
    give(vic, studio, E, ends_at=now + timedelta(seconds=1))
    assert note_ended_grants(now=now) == 1
    assert note_ended_grants(now=now) == 0
    entry = Entry.objects.get(event="grant.expired")
    assert (entry.target_id, entry.details["account"], entry.details["role"]) == (str(studio.pk), "nell", "editor")
    assert note_ended_grants(now=now + timedelta(seconds=2)) == 1


def test_both_people_are_named_while_one_acts_as_the_other(
    make: Make, root: Account, ed: Account, vic: Account
) -> None:
    acting = make.actor(ed, impersonator=root)
    made = create_streamer("edge1.example.com", actor=acting)
    save_grants(made, {vic.pk: Wanted(ResourceRole.VIEWER)}, version=1, actor=acting)
    assert made.created_by_name == "root as ed"
    assert set(Grant.objects.on(made).values_list("granted_by_name", flat=True)) == {"root as ed"}


@pytest.mark.parametrize(
    ("left", "next_page", "leads"),
    [
        ("viewer", "/streams/{pk}/history/", "/streams/{pk}/"),
        ("none", "/streams/{pk}/", "/streams/"),
        ("none", "", "/streams/"),
        ("none", "/streams/?order=-created", "/streams/?order=-created"),
        ("editor", "/streams/{pk}/history/", "/streams/{pk}/history/"),
    ],
)
def test_who_shuts_themselves_out_lands_on_what_they_still_see(
    left: str, next_page: str, leads: str, make: Make, nell: Account, studio: Resource
) -> None:
    give(nell, studio, A)
    dialog = Dialog(make.client(nell), studio)
    sent = dialog.fields | {f"role-{nell.pk}": [left], "next": [next_page.format(pk=studio.pk)], "save": ["1"]}
    answer = dialog.client.post(dialog.address, sent, follow=True)
    assert answer.redirect_chain[0][0] == leads.format(pk=studio.pk)
    assert answer.status_code == 200
