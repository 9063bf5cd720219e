"""Writing a mail: a row in the transaction that causes it. Nothing here talks to a server."""

import re
import uuid
from collections.abc import Mapping
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import transaction
from django.template import engines
from django.utils.translation import gettext_lazy as _
from jinja2 import Environment

from agora.base.actor import Actor
from agora.base.env import without_port
from agora.base.errors import Refused
from agora.celery import wake
from mail.models import KEPT_TRYING, MailSettings, Message, State
from settings_admin.models import ServerSettings

LONGEST_SUBJECT = 200  # characters
LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, without its brackets
_valid = EmailValidator()


class CannotMail(Refused):
    """There is nobody at the other end: the address makes no sense."""

    status = 422
    message = _("This is not an e-mail address. Correct it and try again.")


def mail_is_on() -> bool:
    """Can this server send mail at all? Where it can't, pages say so instead of pretending."""
    return MailSettings.load().server is not None


def send(template: str, *, to: str, actor: Actor, context: Mapping[str, Any] | None = None) -> Message | None:
    """Queue one mail to one address; None when mail is off, and then nothing was made.

    ``templates/mail/<template>.txt`` starts with the subject and an empty line; ``.html`` is the same as a page. Both
    get the context, ``absolute(path)`` and ``server``. Raises CannotMail for what is no address, unless the settings
    say *Fail silently*: then the row says that it failed.
    """
    settings = MailSettings.load()
    if settings.server is None:
        return None
    server, wrong = ServerSettings.load(), ""
    try:
        _valid(to)
        ascii_address(to)
    except (ValidationError, UnicodeError) as error:
        if not settings.fail_silently:
            raise CannotMail from error
        wrong = str(CannotMail.message)
    subject, text, html = render(template, {**(context or {}), "server": server, "absolute": server.absolute})
    message_id = f"<{uuid.uuid4().hex}@{domain_of(server)}>"
    content = "" if wrong else compose(message_id, to, subject, text, html, actor)
    who, behalf = actor.accountable, actor.account if actor.impersonator else None
    with transaction.atomic():
        message = Message.objects.create(
            message_id=message_id,
            template=template,
            recipient=to[:254],
            subject=subject,
            content=content,
            state=State.FAILED if wrong else State.QUEUED,
            answer=wrong,
            created_at=actor.at,
            next_at=actor.at,
            give_up_at=actor.at + KEPT_TRYING,
            finished_at=actor.at if wrong else None,
            actor_id=who.pk if who else None,
            actor_name=(who.get_username() if who else actor.name)[:150],
            behalf_id=behalf.pk if behalf else None,
            behalf_name=behalf.get_username()[:150] if behalf else "",
            elevation_id=actor.elevation_id,
            request_id=actor.origin.request_id,
        )
        if not wrong:
            wake("mail.drain", actor=actor)
    return message


def domain_of(server: ServerSettings) -> str:
    """What stands right of the @ in a Message-ID, and what we call ourselves: the public name without its port."""
    host = without_port(server.hostname)
    literal = f"[IPv6:{host[1:-1]}]" if host.startswith("[") else host  # RFC 5321, 4.1.3
    return literal if re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", literal) else "localhost"


def ascii_address(address: str) -> str:
    """The address with its domain as the DNS has it (RFC 5890). Raises UnicodeError where there is no such form."""
    local, _at, domain = address.rpartition("@")
    local.encode("ascii")
    written = f"{local}@{domain.encode('idna').decode()}"
    if len(written) > LONGEST_ADDRESS:
        raise UnicodeError("too long")
    return written


def render(template: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, plain text and HTML of a template. The subject is one line, whatever names it holds."""
    first, _newline, text = _unescaped().get_template(f"mail/{template}.txt").render(context).partition("\n")
    html = _escaped().get_template(f"mail/{template}.html").render(context)
    subject = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", first).split())
    return subject[:LONGEST_SUBJECT], text.strip() + "\n", html


def compose(message_id: str, to: str, subject: str, text: str, html: str, actor: Actor) -> str:
    """The whole mail but for its sender, which is that of the settings when it is sent (RFC 5322, RFC 2046)."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=78))
    mail["To"] = ascii_address(to)
    mail["Date"] = format_datetime(actor.at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    # Not through the policy: it reads encoded words in what it is given, and with them line breaks (CVE-2024-6923).
    plain = subject.isascii() and "=?" not in subject
    encoded = Header(subject, "us-ascii" if plain else "utf-8", header_name="Subject").encode(linesep="\r\n")
    return f"Subject: {encoded}\r\n{mail.as_bytes().decode('ascii')}"


def _escaped() -> Environment:
    environment: Environment = engines["jinja2"].env  # type: ignore[attr-defined]
    return environment


@cache
def _unescaped() -> Environment:
    """For plain text, where &amp; would stand as it is."""
    return _escaped().overlay(autoescape=False)
