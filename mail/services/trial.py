"""Send Test Mail: settings are tried before they are saved, and the server's own words are shown."""

import logging
import threading
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.models import Outcome
from audit.services import record
from mail.models import MailSettings
from mail.services.messages import compose, domain_of, render
from mail.smtp import Connection, Rejected, Server, Transcript, Unreachable
from settings_admin.models import ServerSettings

TESTED = event("mail.tested", gettext_lazy("Test mail sent"))
AT_ONCE = 3  # tests that one process runs side by side: each holds a thread of the web server
logger = logging.getLogger(__name__)
_places = threading.BoundedSemaphore(AT_ONCE)


class TooManyTests(Refused):
    status = 429
    message = gettext_lazy("Other test mails are just being sent. Try again in a minute.")


@dataclass
class Trial:
    """How the test went: the sentence for the person, and the conversation with its secrets masked."""

    arrived: bool = False
    sentence: str = ""
    seconds: float = 0.0
    transcript: Transcript = field(default_factory=Transcript)


def send_test_mail(server: Server, *, to: str, actor: Actor) -> Trial:
    """Send one mail with these settings, saved or not; back within the timeout, whatever the server does.

    Raises TooManyTests.
    """
    trial, started = Trial(transcript=Transcript(server)), time.monotonic()
    name = domain_of(settings := ServerSettings.load())
    subject, text, html = render("test", {"server": settings, "absolute": settings.absolute, "by": actor.names})
    content = compose(f"<{uuid.uuid4().hex}@{name}>", to, subject, text, html, actor)
    # A thread of its own: looking up a name has no time limit that could be set.
    talk = threading.Thread(target=_talk, args=(server, name, to, content, trial), daemon=True, name="test mail")
    if not _places.acquire(blocking=False):
        raise TooManyTests
    try:
        talk.start()
    except RuntimeError:  # no more threads
        _places.release()
        raise
    talk.join(server.timeout)
    shown = Trial(
        trial.arrived, trial.sentence, time.monotonic() - started, Transcript(lines=[*trial.transcript.lines])
    )
    if not shown.sentence:
        shown.sentence = _("%(server)s did not finish within %(seconds)s seconds.") % {
            "server": server, "seconds": f"{server.timeout:g}"
        }  # fmt: skip
    record(
        TESTED,
        actor=actor,
        target=MailSettings.load(),
        outcome=Outcome.SUCCESS if shown.arrived else Outcome.FAILED,
        server=str(server),
        encryption=server.encryption.value,
        recipient=to,
        answer=shown.sentence,
    )
    return shown


def _talk(server: Server, name: str, to: str, content: str, trial: Trial) -> None:
    """Gives its place back whatever happens."""
    try:
        with closing(Connection(server, name=name, transcript=trial.transcript, patience=1.0)) as connection:
            connection.open()
            answer = connection.deliver(to, f"From: {server.sender}\r\n{content}".encode("ascii"))
            trial.arrived, trial.sentence = True, answer
    except (Rejected, Unreachable) as trouble:
        trial.sentence = str(trouble)
    except Exception as error:  # a mistake of ours is not the server's silence
        trial.sentence = server.masked(f"{type(error).__name__}: {error}")
        logger.error("The test mail to %s failed: %s", server, trial.sentence)  # a traceback would hold it unmasked
    finally:
        _places.release()
