"""Waking background work: after the commit, once, never in anybody's way; and who caused it goes along."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Account
from agora import celery
from agora.base.actor import Actor, Known, Origin
from agora.celery import Publisher, actor_of_task, wake

HEADERS = {"agora": Actor(account=Known(7, "ada"), origin=Origin(request_id="r-1")).as_dict()}
LIMIT = 20.0  # seconds


class Broker:
    """What stands in the place of the network: it may hang, and it may be away."""

    def __init__(self, *, away: int = 0) -> None:
        self.told: list[tuple[str, tuple[int, ...], Any]] = []
        self.away, self.answers, self.changed = away, threading.Event(), threading.Condition()
        self.answers.set()

    def __call__(self, task: str, *, args: tuple[int, ...], headers: Any, retry: bool) -> None:
        assert retry is False
        self.answers.wait(LIMIT)
        with self.changed:
            if self.away:
                self.away -= 1
                raise OSError("no broker")
            self.told.append((task, args, headers))
            self.changed.notify_all()

    def until(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, LIMIT), self.told


def test_it_is_told_with_its_cause() -> None:
    broker = Broker()
    Publisher(broker).put("mail.drain", (3,), HEADERS)
    broker.until(1)
    assert broker.told == [("mail.drain", (3,), HEADERS)]


def test_while_the_broker_hangs_nobody_waits_and_the_same_call_is_told_once() -> None:
    broker = Broker()
    broker.answers.clear()
    publisher = Publisher(broker)
    publisher.put("first", (), HEADERS)
    for number in [1, 2, 1, 1, 2]:
        publisher.put("next", (number,), HEADERS)
    assert broker.told == []
    broker.answers.set()
    broker.until(3)
    assert [call[:2] for call in broker.told] == [("first", ()), ("next", (1,)), ("next", (2,))]


def test_what_waits_has_a_limit() -> None:
    broker = Broker()
    broker.answers.clear()
    publisher = Publisher(broker)
    for number in range(celery.MOST * 2):
        publisher.put("next", (number,), HEADERS)
    assert len(publisher.waiting) <= celery.MOST
    broker.answers.set()


def test_a_broker_that_was_away_is_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery, "PAUSE", 0.0)
    broker = Broker(away=3)
    Publisher(broker).put("mail.drain", (), HEADERS)
    broker.until(1)


def test_after_a_fork_the_child_has_a_publisher_of_its_own() -> None:
    broker = Broker()
    publisher = Publisher(broker)
    publisher.put("mail.drain", (), HEADERS)
    broker.until(1)
    parents = publisher.thread
    publisher.changed.acquire()  # as another thread of the parent may hold it while it forks
    publisher.forget()
    publisher.put("mail.drain", (), HEADERS)
    broker.until(2)
    assert publisher.thread is not parents


@pytest.mark.django_db(transaction=True)
def test_only_what_is_committed_wakes_anybody(monkeypatch: pytest.MonkeyPatch, ada: Account) -> None:
    broker = Broker()
    monkeypatch.setattr(celery, "_publisher", Publisher(broker))
    actor = Actor(account=ada, origin=Origin(request_id="r-9"))
    with transaction.atomic():
        wake("undone", actor=actor)
        transaction.set_rollback(True)
    with transaction.atomic():
        wake("done", 5, actor=actor)
        assert broker.told == []
    broker.until(1)
    assert broker.told == [("done", (5,), {"agora": actor.as_dict()})]


def test_a_task_acts_for_who_caused_it() -> None:
    actor = actor_of_task(SimpleNamespace(headers=HEADERS, task="mail.drain"))
    assert actor.account and (actor.account.pk, actor.label) == (7, "ada")
    assert (actor.origin.channel, actor.origin.request_id, actor.origin.path) == ("worker", "r-1", "mail.drain")
    clock = actor_of_task(SimpleNamespace(headers=None, task="mail.drain"))
    assert (clock.account, clock.label) == (None, "system")
