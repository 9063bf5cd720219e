"""Changing, archiving and deleting a project; its history."""

from audit.models import Entry
from projects.models import Membership, Project
from tests.projects.conftest import SignedIn, Trial


def test_changing_name_and_description(trial: Trial, signed_in: SignedIn) -> None:
    client = signed_in(trial.people["mia"])
    assert client.post(trial.url("settings/"), {"name": "", "description": ""}).status_code == 422
    assert client.post(trial.url("settings/"), {"name": "Hip <b>", "description": "13"}).status_code == 302
    assert client.post(trial.url("settings/"), {"name": "Hip <b>", "description": "13"}).status_code == 302
    assert Entry.objects.get(event="project.changed").details["changes"] == {
        "name": ["Knee study", "Hip <b>"], "description": ["12 patients", "13"]
    }  # fmt: skip
    page = client.get(trial.url()).content.decode()
    assert "Hip &lt;b&gt;" in page
    assert "<b>Hip" not in page
    assert "Hip &lt;b&gt;" in client.get("/projects/?q=hip").content.decode()


def test_an_archived_project_changes_no_more(trial: Trial, signed_in: SignedIn) -> None:
    client = signed_in(trial.people["mia"])
    assert "Nothing in it changes any more" in client.get(trial.url("archive/")).content.decode()
    assert client.post(trial.url("archive/")).status_code == 302
    assert client.post(trial.url("archive/")).status_code == 409
    member = trial.member("obi").pk
    for verb, fields in (
        ("settings/", {"name": "Mine", "description": ""}),
        ("members/add/", {"account": trial.people["obi"].pk, "role": "user"}),
        (f"members/{member}/role/", {"role": "user"}),
        (f"members/{member}/remove/", {}),
    ):
        assert client.post(trial.url(verb), fields).status_code == 409, verb
    assert signed_in(trial.people["olga"]).post(
        trial.url("transfer/"), {"account": trial.people["mia"].pk}
    ).status_code == 409  # fmt: skip
    assert ">Knee study</a>" not in client.get("/projects/").content.decode()
    assert ">Knee study</a>" in client.get("/projects/?archived=yes").content.decode()
    assert client.get(trial.url()).status_code == 200
    assert signed_in(trial.people["obi"]).post(trial.url("leave/")).status_code == 302
    assert client.post(trial.url("restore/")).status_code == 302
    assert client.post(trial.url("restore/")).status_code == 409
    assert ">Knee study</a>" in client.get("/projects/").content.decode()
    events = ["project.archived", "project.restored"]
    assert Entry.objects.filter(event__in=events, outcome="success").count() == 2


def test_deleting_asks_for_the_name_and_says_what_goes(trial: Trial, signed_in: SignedIn) -> None:
    client = signed_in(trial.people["olga"])
    assert signed_in(trial.people["mia"]).get(trial.url("delete/")).status_code == 403
    page = client.get(trial.url("delete/")).content.decode()
    assert "5 members lose it" in page
    for typed in ("", "knee study", "Knee"):
        assert client.post(trial.url("delete/"), {"typed": typed}).status_code == 422
    assert Project.objects.filter(pk=trial.project.pk).exists()
    assert client.post(trial.url("delete/"), {"typed": " Knee study "})["Location"] == "/projects/"
    assert not Membership.objects.filter(project_id=trial.project.pk).exists()
    entry = Entry.objects.get(event="project.deleted", outcome="success")
    assert entry.details == {"name": "Knee study", "owner": "olga", "gone": {"members": 5}}
    assert entry.target_id == str(trial.project.pk)
    assert client.get(trial.url()).status_code == 404


def test_the_history_is_for_members_and_hides_what_the_log_alone_tells(trial: Trial, signed_in: SignedIn) -> None:
    signed_in(trial.people["sci"]).post(trial.url("archive/"))
    page = signed_in(trial.people["obi"]).get(trial.url("history/")).content.decode()
    for text in ("Project created", "Member added to a project", "uma", "Scientist", "Refused", "does not include"):
        assert text in page, text
    assert "127.0.0.1" not in page
    assert "/audit/" not in page
