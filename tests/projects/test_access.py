"""Who sees a project, and what each role may do in it."""

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from projects.models import Project
from projects.roles import MAY, TABLE, ProjectRole
from projects.services.rules import rights_in
from settings_admin.models import ServerSettings
from tests.conftest import Make
from tests.projects.conftest import SignedIn, Trial

PAGES = ("", "history/", "members/", "members/find/?q=vi", "settings/", "leave/", "transfer/", "archive/", "delete/")


@pytest.mark.parametrize("person", ["root", "ada", "sam", "ed", "nell"])
def test_for_others_there_is_no_such_project(
    person: str, trial: Trial, signed_in: SignedIn, request: pytest.FixtureRequest
) -> None:
    client = signed_in(request.getfixturevalue(person))
    for page in PAGES:
        assert client.get(trial.url(page)).status_code == 404, page
    member = trial.member("obi").pk
    for verb in (
        "members/add/", f"members/{member}/role/", f"members/{member}/remove/", "leave/", "settings/", "transfer/",
        "archive/", "restore/", "delete/",
    ):  # fmt: skip
        fields = {"account": trial.people["uma"].pk, "role": "manager", "name": "Mine", "typed": "Knee study"}
        assert client.post(trial.url(verb), fields).status_code == 404, verb
    assert "Knee study" not in client.get("/projects/?archived=all").content.decode()
    assert Project.objects.get(pk=trial.project.pk).name == "Knee study"


def test_the_table_of_roles() -> None:
    assert {role: [name in TABLE[role] for name in MAY] for role in ProjectRole} == {
        "manager": [True, True, True, True, True, True],
        "scientist": [True, True, True, True, False, False],
        "user": [True, True, True, False, False, False],
        "observer": [True, False, False, False, False, False],
    }


def test_one_function_answers_for_everybody(trial: Trial, make: Make, root: Account) -> None:
    for name, role in (
        ("olga", "manager"),
        ("mia", "manager"),
        ("sci", "scientist"),
        ("uma", "user"),
        ("obi", "observer"),
    ):
        assert rights_in(trial.project, make.actor(trial.people[name])) == TABLE[ProjectRole(role)]
    assert rights_in(trial.project, make.actor(root)) == frozenset()
    assert rights_in(trial.project, make.actor(root, elevation_id=1)) == frozenset(MAY)
    assert rights_in(trial.project, make.actor(trial.people["obi"], impersonator=root, elevation_id=1)) == {"read"}


@pytest.mark.parametrize("name", ["sci", "uma", "obi"])
def test_below_manager_one_sees_and_changes_nothing(name: str, trial: Trial, signed_in: SignedIn, vic: Account) -> None:
    client = signed_in(trial.people[name])
    for page in ("", "history/", "members/", "settings/", "leave/"):
        assert client.get(trial.url(page)).status_code == 200, page
    member = trial.member("mia").pk
    for verb, fields in (
        ("members/add/", {"account": vic.pk, "role": "observer"}),
        (f"members/{member}/role/", {"role": "observer"}),
        (f"members/{member}/remove/", {}),
        ("settings/", {"name": "Mine", "description": ""}),
        ("archive/", {}),
        ("transfer/", {"account": trial.people[name].pk}),
        ("delete/", {"typed": "Knee study"}),
    ):
        assert client.post(trial.url(verb), fields).status_code == 403, verb
        assert Entry.objects.latest("pk").outcome in ("denied", "success")
    trial.project.refresh_from_db()
    assert (trial.project.name, trial.project.is_archived) == ("Knee study", False)
    assert trial.role_of("mia") == "manager"
    page = client.get(trial.url("members/")).content.decode() + client.get(trial.url("settings/")).content.decode()
    for offered in ("Invite", "Remove", "Archive…", "Delete…", "Save"):
        assert f">{offered}<" not in page.replace("</svg>", ">"), offered


@pytest.mark.parametrize("person", ["vic", "otto", "connie", "ed", "sam", "ada"])
def test_anyone_with_a_role_creates_projects(person: str, signed_in: SignedIn, request: pytest.FixtureRequest) -> None:
    account = request.getfixturevalue(person)
    client = signed_in(account)
    assert 'href="/projects/new/"' in client.get("/projects/").content.decode()
    answer = client.post("/projects/new/", {"name": "  Hip  ", "description": ""})
    assert answer.status_code == 302
    project = Project.objects.get(is_personal=False)
    assert (project.name, project.owner_id) == ("Hip", account.pk)
    assert Entry.objects.get(event="project.created", target_id=str(project.pk)).actor_id == account.pk


def test_an_account_without_a_role_only_where_the_setting_allows(signed_in: SignedIn, nell: Account) -> None:
    client = signed_in(nell)
    assert 'href="/projects/new/"' not in client.get("/projects/").content.decode()
    assert client.get("/projects/new/").status_code == 403
    assert client.post("/projects/new/", {"name": "Mine"}).status_code == 403
    ServerSettings.objects.update(everyone_creates_projects=True)
    assert 'href="/projects/new/"' in client.get("/projects/").content.decode()
    assert client.post("/projects/new/", {"name": "Mine"}).status_code == 302


@pytest.mark.parametrize("name", ["", "   ", "x" * 151, "a\u202eb"])
def test_a_name_that_nobody_can_read(name: str, signed_in: SignedIn, vic: Account) -> None:
    assert signed_in(vic).post("/projects/new/", {"name": name}).status_code == 422


def test_the_list_by_filter(trial: Trial, signed_in: SignedIn) -> None:
    client: Client = signed_in(trial.people["mia"])
    client.post("/projects/new/", {"name": "Own one"})
    for query, there, gone in (
        ("", ("Knee study", "Own one", "MyAgora"), ()),
        ("ownership=own", ("Own one", "MyAgora"), ("Knee study",)),
        ("ownership=joined", ("Knee study",), ("Own one", "MyAgora")),
        ("q=12+PATIENTS", ("Knee study",), ("Own one",)),
        ("role=observer", (), ("Knee study", "Own one")),
        ("archived=yes", (), ("Knee study", "Own one")),
        ("owner=olga", ("Knee study", "Own one"), ()),
    ):
        page = client.get(f"/projects/?{query}").content.decode()
        for name in there:
            assert f">{name}</a>" in page, query
        for name in gone:
            assert f">{name}</a>" not in page, query


def test_pages_of_the_list_follow_each_other(signed_in: SignedIn, make: Make, vic: Account) -> None:
    from projects.services.projects import create_project

    for number in range(55):
        create_project(f"Study {number:02}", actor=make.actor(vic))
    client = signed_in(vic)
    first = client.get("/projects/?order=-name").content.decode()
    assert ">Study 54</a>" in first
    assert ">Study 04</a>" not in first
    cursor = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(f"/projects/{cursor}").content.decode()
    assert ">Study 04</a>" in second
    assert ">MyAgora</a>" in second


@pytest.mark.parametrize("page", ["/projects/", "/projects/{pk}/", "/projects/{pk}/members/"])
def test_pages_cost_the_same_with_few_and_with_many(page: str, trial: Trial, signed_in: SignedIn, make: Make) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from projects.services.members import add_member
    from projects.services.projects import create_project

    client, address = signed_in(trial.people["olga"]), page.format(pk=trial.project.pk)
    client.get("/projects/")
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(10):
        create_project(f"Study {number}", actor=make.actor(trial.people["olga"]))
        member = make.account(f"member{number}")
        add_member(trial.project, member, "observer", actor=make.actor(trial.people["olga"]))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)
