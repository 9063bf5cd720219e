"""Olga owns a project with one member of each role; nobody else belongs to it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import Account
from projects.models import Membership, Project
from projects.services.members import add_member
from projects.services.projects import create_project
from tests.conftest import Make

SignedIn = Callable[[Account], Client]
PEOPLE = ("olga", "mia", "sci", "uma", "obi")


@dataclass
class Trial:
    project: Project
    people: dict[str, Account]

    def url(self, verb: str = "") -> str:
        return f"/projects/{self.project.pk}/{verb}"

    def member(self, name: str) -> Membership:
        return Membership.objects.get(project=self.project, account=self.people[name])

    def role_of(self, name: str) -> str | None:
        found = Membership.objects.filter(project=self.project, account=self.people[name]).first()
        return found.role if found else None


@pytest.fixture
def trial(make: Make) -> Trial:
    people = {name: make.account(name, role="viewer") for name in PEOPLE}
    actor = make.actor(people["olga"])
    project = create_project("Knee study", "12 patients", actor=actor)
    for name, role in (("mia", "manager"), ("sci", "scientist"), ("uma", "user"), ("obi", "observer")):
        add_member(project, people[name], role, actor=actor)
    return Trial(project, people)
