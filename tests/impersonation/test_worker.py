"""Work that a real worker finishes after the impersonation ended names both people, in its rows and in its log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from accounts.models import Account
from agora import celery
from agora.celery import Publisher, app
from audit.models import Entry
from feedback.models import Feedback
from mail.models import Message, State
from sessions_admin.models import Elevation
from tests.impersonation.conftest import ActAs
from tests.mail.conftest import Host, mailhost, use
from tests.services.background import Background

__all__ = ["mailhost"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def work(tmp_path: Path, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Background]:
    """The queue runs and pages tell it; the test starts the worker."""
    one = Background(tmp_path / "work", "socket")
    one.start("queue")

    def publish(task: str, **how: object) -> None:
        with Connection(one.url, transport_options=app.conf.broker_transport_options) as connection:
            app.send_task(task, connection=connection, **how)

    monkeypatch.setattr(celery, "_publisher", Publisher(publish))
    yield one
    one.stop()


def test_a_mail_queued_while_impersonating_and_sent_by_a_worker_after_the_stop(
    work: Background, act_as: ActAs, ada: Account, vic: Account, mailhost: Host
) -> None:
    ada.email = "ada@example.com"
    ada.save()
    host = mailhost()
    use(host)
    client = act_as(vic)
    assert client.post("/feedback/new/", {"text": "The clock is late.", "page": "/"}).status_code == 302
    client.post("/settings/impersonate/stop/")
    client.post("/sign-out/")
    elevation = Elevation.objects.get()
    assert elevation.ended_at is not None
    work.start("worker")
    work.until(lambda: Message.objects.get().state == State.SENT)
    message = Message.objects.get()
    assert (message.actor_name, message.behalf_name, message.caused_by) == ("root", "vic", "root as vic")
    assert message.elevation_id == elevation.pk
    assert Feedback.objects.get().account_name == "root as vic"
    assert Entry.objects.get(event="feedback.sent").behalf_name == "vic"
    request_id = Entry.objects.get(event="feedback.sent").request_id
    work.until(lambda: "succeeded" in work.logged("worker"))
    lines = [line for line in work.logged("worker").splitlines() if "[root as vic]" in line]
    assert any(f"mail.drain for root as vic, request {request_id}" in line for line in lines), work.logged("worker")
    assert any("succeeded" in line for line in lines)
    assert [mail["To"] for mail in host.received] == ["ada@example.com"]
