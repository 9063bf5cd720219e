"""The private project: made at the first visit, once, and never anybody else's."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from projects.models import Membership, Project
from projects.services.projects import my_agora
from tests.conftest import Make
from tests.projects.conftest import SignedIn


def test_the_first_visit_makes_it_and_the_second_does_not(signed_in: SignedIn, nell: Account) -> None:
    client = signed_in(nell)
    for _ in range(2):
        page = client.get("/projects/").content.decode()
        assert "MyAgora" in page
        assert "Private" in page
    mine = Project.objects.get()
    assert (mine.owner_id, mine.is_personal) == (nell.pk, True)
    assert Membership.objects.get().role == "manager"
    assert Entry.objects.filter(event="project.created", target_id=str(mine.pk)).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_visits_at_the_same_moment_make_one(signed_in: SignedIn, nell: Account) -> None:
    clients, start, statuses = [signed_in(nell) for _ in range(4)], threading.Barrier(4), []

    def visit(client: Client) -> None:
        start.wait()
        try:
            statuses.append(client.get("/projects/").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=visit, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert Project.objects.personal().filter(owner=nell).count() == 1
    assert Entry.objects.filter(event="project.created").count() == 1


def test_the_database_refuses_a_second_one(make: Make, nell: Account) -> None:
    mine = my_agora(nell, actor=make.actor(nell))
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.create(name="MyAgora", owner=nell, is_personal=True, created_at=mine.created_at)


def post(client: Client, project: Project, verb: str, **fields: object) -> int:
    return client.post(f"/projects/{project.pk}/{verb}/", fields).status_code


def test_it_is_never_shared_archived_given_away_or_deleted(
    make: Make, signed_in: SignedIn, nell: Account, vic: Account
) -> None:
    mine, client = my_agora(nell, actor=make.actor(nell)), signed_in(nell)
    assert post(client, mine, "members/add", account=vic.pk, role="observer") == 409
    assert post(client, mine, "archive") == 409
    assert post(client, mine, "transfer", account=vic.pk) == 409
    assert post(client, mine, "delete", typed="MyAgora") == 409
    assert post(client, mine, "leave") == 409
    assert client.post(f"/projects/{mine.pk}/settings/", {"name": "Ours", "description": "Notes"}).status_code == 302
    mine.refresh_from_db()
    assert (mine.name, mine.description, mine.owner_id) == ("MyAgora", "Notes", nell.pk)
    assert Membership.objects.count() == 1


def test_no_other_project_takes_its_name(signed_in: SignedIn, vic: Account) -> None:
    answer = signed_in(vic).post("/projects/new/", {"name": "ｍｙａｇｏｒａ"})
    assert answer.status_code == 422
    assert "MyAgora is the name of private projects" in answer.content.decode()


def test_whose_it_is_when_the_owner_is_impersonated(make: Make, root: Account, vic: Account) -> None:
    client = make.client(root)
    client.post(f"/settings/impersonate/{vic.pk}/", {"reason": "Ticket", "mode": "look"})
    page = client.get("/projects/").content.decode()
    assert "Private" not in page
    assert not Project.objects.exists()
    client.post("/settings/impersonate/stop/")
    client.post(f"/settings/impersonate/{vic.pk}/", {"reason": "Ticket", "mode": "act"})
    client.get("/projects/")
    assert Project.objects.get().owner_id == vic.pk
    entry = Entry.objects.get(event="project.created")
    assert (entry.actor_name, entry.behalf_name) == ("root", "vic")
