"""Inviting, roles, removing, leaving, another owner."""

import base64

import pytest

from accounts.models import Account
from agora.base.errors import Gone
from audit.models import Entry
from projects.models import Membership
from projects.services import members, projects
from tests.conftest import PASSWORD, Make
from tests.projects.conftest import SignedIn, Trial


def test_a_manager_finds_somebody_and_invites_them(trial: Trial, signed_in: SignedIn, make: Make, vic: Account) -> None:
    make.account("victor", first_name="Victor", last_name="Hugo", locked_at="2026-11-20T12:00Z")
    client = signed_in(trial.people["mia"])
    page = client.get(trial.url("members/?q=VI")).content.decode()
    assert f'name="account" value="{vic.pk}"' in page
    assert "victor" not in page, "who can't sign in is not offered"
    fragment = client.get(trial.url("members/find/?q=ob"), headers={"HX-Request": "true"}).content.decode()
    assert "is a member" in fragment
    assert "<html" not in fragment
    assert client.post(trial.url("members/add/"), {"account": vic.pk, "role": "scientist"}).status_code == 302
    member = Membership.objects.get(account=vic)
    assert (member.role, member.added_by_name) == ("scientist", "mia")
    assert "Knee study" in signed_in(vic).get("/projects/").content.decode()
    entry = Entry.objects.get(event="project.member_added", actor_name="mia")
    assert entry.details == {"member": "vic", "member_id": vic.pk, "role": "scientist"}
    assert (entry.target_type, entry.target_name) == ("project", "Knee study")


@pytest.mark.parametrize("text", ["", "v", " v ", "zzz"])
def test_a_single_letter_lists_nobody(text: str, trial: Trial, signed_in: SignedIn, vic: Account) -> None:
    page = signed_in(trial.people["mia"]).get(trial.url("members/"), {"q": text}).content.decode()
    assert 'name="account"' not in page


def test_who_can_not_be_invited(trial: Trial, signed_in: SignedIn, make: Make) -> None:
    client = signed_in(trial.people["mia"])
    lou = make.account("lou", locked_at="2026-11-20T12:00Z")
    for account, status in ((lou.pk, 409), (trial.people["obi"].pk, 409), (10**9, 404)):
        answer = client.post(trial.url("members/add/"), {"account": account, "role": "observer"})
        assert answer.status_code == status
    for account, role in (("x", "observer"), (lou.pk, "king"), (-1, "observer"), (10**30, "observer")):
        answer = client.post(trial.url("members/add/"), {"account": account, "role": role})
        assert answer.status_code == 302
    assert Membership.objects.filter(project=trial.project).count() == 5


def test_a_role_counts_from_the_next_request_on(trial: Trial, signed_in: SignedIn) -> None:
    manager, observer = signed_in(trial.people["mia"]), signed_in(trial.people["obi"])
    assert observer.post(trial.url("archive/")).status_code == 403
    url = trial.url(f"members/{trial.member('obi').pk}/role/")
    assert manager.post(url, {"role": "manager"}).status_code == 302
    assert manager.post(url, {"role": "manager"}).status_code == 302
    assert manager.post(url, {"role": "king"}).status_code == 302
    assert trial.role_of("obi") == "manager"
    assert Entry.objects.get(event="project.member_role_changed").details["changes"] == {
        "role": ["observer", "manager"]
    }
    assert observer.get(trial.url("archive/")).status_code == 200


def test_removed_means_gone_at_once(trial: Trial, signed_in: SignedIn) -> None:
    theirs, manager = signed_in(trial.people["uma"]), signed_in(trial.people["mia"])
    url = trial.url(f"members/{trial.member('uma').pk}/remove/")
    assert "Remove uma from Knee study?" in manager.get(url).content.decode()
    assert trial.role_of("uma") == "user"
    assert manager.post(url).status_code == 302
    assert theirs.get(trial.url()).status_code == 404
    assert manager.post(url).status_code == 404
    assert Entry.objects.get(event="project.member_removed").details["member"] == "uma"


def test_a_member_of_another_project_is_none_here(trial: Trial, signed_in: SignedIn, make: Make, vic: Account) -> None:
    from projects.services.projects import create_project

    other = create_project("Other", actor=make.actor(vic))
    foreign = Membership.objects.get(project=other).pk
    client = signed_in(trial.people["mia"])
    assert client.post(trial.url(f"members/{foreign}/role/"), {"role": "observer"}).status_code == 404
    assert client.post(trial.url(f"members/{foreign}/remove/")).status_code == 404


def test_the_owner_stays_manager_and_member(trial: Trial, signed_in: SignedIn) -> None:
    manager, owner = signed_in(trial.people["mia"]), signed_in(trial.people["olga"])
    url = trial.url(f"members/{trial.member('olga').pk}/")
    assert manager.post(f"{url}role/", {"role": "observer"}).status_code == 409
    assert manager.post(f"{url}remove/").status_code == 409
    assert owner.post(trial.url("leave/")).status_code == 409
    assert "You own this project" in owner.get(trial.url("leave/")).content.decode()
    assert trial.role_of("olga") == "manager"


def test_leaving(trial: Trial, signed_in: SignedIn) -> None:
    client = signed_in(trial.people["obi"])
    assert client.get(trial.url("leave/")).status_code == 200
    assert client.post(trial.url("leave/"))["Location"] == "/projects/"
    assert client.get(trial.url()).status_code == 404
    assert Entry.objects.get(event="project.left").actor_name == "obi"


def test_another_owner(trial: Trial, signed_in: SignedIn, make: Make, vic: Account) -> None:
    owner = signed_in(trial.people["olga"])
    assert signed_in(trial.people["mia"]).get(trial.url("transfer/")).status_code == 403
    assert owner.post(trial.url("transfer/"), {"account": vic.pk}).status_code == 422
    Account.objects.filter(username="sci").update(is_active=False)
    assert owner.post(trial.url("transfer/"), {"account": trial.people["sci"].pk}).status_code == 409
    assert owner.post(trial.url("transfer/"), {"account": trial.people["uma"].pk}).status_code == 302
    trial.project.refresh_from_db()
    assert trial.project.owner.username == "uma"
    assert (trial.role_of("uma"), trial.role_of("olga")) == ("manager", "manager")
    assert owner.post(trial.url("delete/"), {"typed": "Knee study"}).status_code == 403
    changes = Entry.objects.filter(event="project.transferred", outcome="success").get().details["changes"]
    assert changes == {"owner": ["olga", "uma"]}


def test_who_is_gone_already_is_not_removed_twice(trial: Trial, make: Make) -> None:
    """Two windows: the second is told, and nothing is recorded as done again."""
    membership = trial.member("obi")
    actor = make.actor(trial.people["mia"])
    members.remove_member(membership, actor=actor)
    with pytest.raises(members.NotInIt):
        members.remove_member(membership, actor=actor)
    with pytest.raises(Gone):
        members.change_member_role(membership, "user", actor=actor)
    with pytest.raises(members.NotInIt):
        members.leave(trial.project, actor=make.actor(trial.people["obi"]))
    told = Entry.objects.filter(event__in=["project.member_removed", "project.left"], outcome="success")
    assert told.count() == 1


def test_a_project_that_went_meanwhile_is_a_sentence(trial: Trial, make: Make) -> None:
    actor = make.actor(trial.people["mia"])
    trial.project.memberships.all().delete()
    type(trial.project).objects.filter(pk=trial.project.pk).delete()
    with pytest.raises(Gone, match="deleted in the meantime"):
        projects.change_project(trial.project, {"description": "x"}, actor=actor)


def test_a_superuser_in_admin_mode_has_nothing_to_leave(trial: Trial, make: Make) -> None:
    boss = make.account("boss", role="administrator", is_superuser=True, password=PASSWORD)
    client = make.client(boss)
    client.post("/admin-mode/", {"reason": "Ticket 4711", "password": PASSWORD})
    assert client.get(trial.url("leave/")).status_code == 409
    assert client.post(trial.url("leave/")).status_code == 409
    assert not Entry.objects.filter(event="project.left", outcome="success").exists()


def test_past_the_last_member_the_page_says_so(trial: Trial, signed_in: SignedIn) -> None:
    past = base64.urlsafe_b64encode(b'["zzz"]').decode().rstrip("=")
    page = signed_in(trial.people["obi"]).get(trial.url(f"members/?after={past}")).content.decode()
    assert "This page is past the end of the list." in page
    assert 'href="?">To the start of the list' in page
    assert "past the end" not in signed_in(trial.people["obi"]).get(trial.url("members/")).content.decode()
