"""SMTP (RFC 5321): one kept connection, every step within a time limit, what was said in the server's own words."""

import base64
import contextlib
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

PATIENCE = 3.0  # times the timeout: the most that connecting, or one mail, may take in all, however slowly it drips
MASK = "•••"
SUBMISSION, SMTPS = 587, 465
CLOSING = 421  # "closing transmission channel"
AFTER = {"DATA": 3}  # how the yes to a command begins, where it is not 2


class Encryption(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    SSL = "ssl"


@dataclass(frozen=True)
class Server:
    """Where mail is handed over, and as whom. ``timeout`` in seconds, for each answer of the server."""

    host: str
    port: int
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)
    encryption: Encryption = Encryption.STARTTLS
    timeout: float = 10.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def masked(self, text: str) -> str:
        """The text without the password, for servers repeat what they are told."""
        plain = [self.password, f"\0{self.username}\0{self.password}"] if self.password else []
        for secret in (*plain, *map(_base64, plain)):
            text = text.replace(secret, MASK)
        return text


class Rejected(Exception):
    """The server's own refusal, such as ``550 5.1.1 No such user``."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(f"{code} {' '.join(text.split())}")

    @property
    def permanent(self) -> bool:
        """5xx: trying again changes nothing (RFC 5321, 4.2.1)."""
        return self.code >= 500


class Unreachable(Exception):
    """There was no conversation, or it broke off: a sentence that says where."""


@dataclass
class Transcript:
    """The conversation as people may read it. Whatever stands between AUTH and its answer is masked, and so is the
    password wherever a server repeats it."""

    server: Server | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)  # (who: "us", "server" or "note"; what)

    def add(self, who: str, text: str) -> None:
        self.lines.append((who, self.server.masked(text) if self.server else text))


class _Talk(smtplib.SMTP):
    """smtplib that writes down what is said."""

    transcript: Transcript | None = None
    in_auth = False

    def putcmd(self, cmd: str, args: str = "") -> None:
        if self.transcript:
            if cmd.upper() == "AUTH":
                self.transcript.add("us", f"AUTH {args.split(' ')[0]} {MASK}")
            else:
                self.transcript.add("us", MASK if self.in_auth else f"{cmd} {args}".strip())
        super().putcmd(cmd, args)

    def put(self, *commands: str) -> None:
        """In one piece: small pieces one after the other would wait for each other (RFC 896)."""
        if self.transcript:
            for command in commands:
                self.transcript.add("us", command)
        if any("\r" in command or "\n" in command for command in commands):
            raise ValueError("A command of SMTP is one line.")
        self.send("".join(f"{command}\r\n" for command in commands))

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        if self.transcript:
            shown = MASK if self.in_auth and code == 334 else text.decode("utf-8", "replace")
            for line in shown.split("\n"):
                self.transcript.add("server", f"{code} {line}".strip())
        return code, text

    def auth(
        self, mechanism: str, authobject: Callable[..., Any], *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        """As smtplib's, but for UTF-8 (RFC 4616): its own takes ASCII only."""
        self.in_auth = True
        try:
            first = authobject() if initial_response_ok else None
            encoded = f" {_base64(first)}" if first is not None else ""
            code, reply = self.docmd("AUTH", mechanism + encoded)
            rounds = 0
            while code == 334 and (rounds := rounds + 1) <= 5:
                code, reply = self.docmd(_base64(authobject(base64.decodebytes(reply))))
        finally:
            self.in_auth = False
        if code not in (235, 503):
            raise smtplib.SMTPAuthenticationError(code, reply)
        return code, reply


class _TalkSsl(_Talk, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class _Watch(threading.Thread):
    """Cuts a connection off when a step takes too long: a timeout of the socket alone lets a server drip for ever."""

    def __init__(self, talk: smtplib.SMTP) -> None:
        super().__init__(daemon=True, name="smtp-watch")
        self.talk, self.until, self.expired, self.over = talk, float("inf"), False, threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.25):
            if time.monotonic() > self.until:
                self.expired = True
                with contextlib.suppress(OSError, AttributeError, TypeError):
                    socket.socket.shutdown(self.talk.sock, socket.SHUT_RDWR)  # type: ignore[arg-type]
                return


class Connection:
    """One conversation with the server, for any number of mails. ``name`` is what we call ourselves (EHLO)."""

    def __init__(
        self, server: Server, *, name: str, transcript: Transcript | None = None, patience: float = PATIENCE
    ) -> None:
        self.server, self.transcript, self.limit = server, transcript, server.timeout * patience
        self._context = ssl.create_default_context()
        kinds: dict[str, Any] = {"local_hostname": name, "timeout": server.timeout}
        if server.encryption == Encryption.SSL:
            self._talk: _Talk = _TalkSsl(**kinds, context=self._context)
        else:
            self._talk = _Talk(**kinds)
        self._talk.transcript = transcript
        self._watch = _Watch(self._talk)

    def open(self) -> None:
        """Greeting, encryption, authentication. Raises Rejected, Unreachable."""
        server, talk = self.server, self._talk
        with self._step():
            talk._host = server.host  # type: ignore[attr-defined]  # what the certificate is checked against
            code, text = talk.connect(server.host, server.port)
            if code != 220:
                raise self._said(code, text)
            if server.encryption == Encryption.SSL:
                self._note_tls()
            talk.ehlo_or_helo_if_needed()
            if server.encryption == Encryption.STARTTLS:
                if not talk.has_extn("starttls"):
                    raise Unreachable(_("The server does not offer STARTTLS. Turn Use TLS off, or mend the server."))
                code, text = talk.starttls(context=self._context)
                if code != 220:
                    raise self._said(code, text)
                self._note_tls()
                talk.ehlo_or_helo_if_needed()
            if server.username:
                talk.login(server.username, server.password)

    def deliver(self, recipient: str, content: bytes, *, meanwhile: Callable[[], None] = lambda: None) -> str:
        """Hands over one mail; returns the server's answer. Raises Rejected, Unreachable.

        After a Rejected the conversation goes on, unless the server ended it (421): see ``usable``. ``meanwhile`` is
        done while the server thinks about the sender, before anything of this mail's is sent.
        """
        talk = self._talk
        announced = (f"MAIL FROM:<{self.server.sender}>", f"RCPT TO:<{recipient}>", "DATA")
        with self._step():
            if talk.has_extn("pipelining"):
                self._announce_at_once(announced, meanwhile)
            else:
                for command in announced:
                    talk.put(command)
                    meanwhile()
                    self._expect(talk.getreply(), AFTER.get(command, 2))
            lines = re.sub(rb"(?m)^\.", b"..", content)  # RFC 5321, 4.5.2
            talk.send(lines + (b".\r\n" if lines.endswith(b"\r\n") else b"\r\n.\r\n"))
            return str(self._said(*self._expect(talk.getreply())))

    def _announce_at_once(self, announced: Sequence[str], meanwhile: Callable[[], None]) -> None:
        """The same without waiting in between, where the server understands it (RFC 2920)."""
        talk, refused = self._talk, None
        talk.put(*announced)
        meanwhile()
        for command in announced:
            answer = talk.getreply()
            if answer[0] == CLOSING:
                self._expect(answer)
            if refused is None and answer[0] // 100 != AFTER.get(command, 2):
                refused = answer
        if refused is not None:
            if answer[0] == 354:  # it waits for the text of a mail that goes to nobody (RFC 2920, 3.1)
                talk.send(b".\r\n")
                talk.getreply()
            self._expect(refused)

    @property
    def usable(self) -> bool:
        """Is the conversation still going on?"""
        return self._talk.sock is not None and not self._watch.expired

    def close(self) -> None:
        """Says goodbye if anybody listens. Raises nothing."""
        if self.usable:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._talk.sock.settimeout(min(self.server.timeout, 2.0))  # type: ignore[union-attr]
                self._talk.quit()
        self._talk.close()
        self._watch.over.set()

    def _expect(self, answer: tuple[int, bytes], hundreds: int = 2) -> tuple[int, bytes]:
        """The answer, if it is yes. Else the transaction is undone, so that the next mail can follow."""
        code, text = answer
        if code // 100 == hundreds:
            return answer
        if code == CLOSING:
            self._talk.close()
        else:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._talk.rset()
        raise self._said(code, text)

    def _said(self, code: int, text: bytes) -> Rejected:
        """The server's answer as people may read it."""
        return Rejected(code, self.server.masked(text.decode("utf-8", "replace")))

    def _note_tls(self) -> None:
        sock = self._talk.sock
        if self.transcript and isinstance(sock, ssl.SSLSocket):
            certificate = sock.getpeercert() or {}
            names: Any = certificate.get("subject", ())
            subject = ", ".join(f"{name}={value}" for part in names for name, value in part) or "–"
            facts = {"version": sock.version(), "subject": subject, "until": certificate.get("notAfter", "–")}
            self.transcript.add("note", _("%(version)s; certificate of %(subject)s, valid until %(until)s") % facts)

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        """One step within its time limit, its failures in two kinds: the server said no, or there was no answer."""
        self._watch.until = time.monotonic() + self.limit
        try:
            yield
        except Rejected:
            raise
        except smtplib.SMTPResponseException as error:  # authentication, DATA
            if error.smtp_code in (CLOSING, -1):
                self._talk.close()
            elif error.smtp_code > 0:
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    self._talk.rset()
            text = error.smtp_error
            raise self._said(error.smtp_code, text if isinstance(text, bytes) else text.encode()) from error
        except Unreachable:
            self._talk.close()
            raise
        except (OSError, smtplib.SMTPException, UnicodeError, ValueError) as error:
            self._talk.close()
            raise Unreachable(self.server.masked(self._sentence(error))) from error
        finally:
            self._watch.until = float("inf")

    def _sentence(self, error: Exception) -> str:
        """What went wrong, for somebody who can mend it."""
        server = self.server
        if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
            error = error.__context__  # smtplib hides a timeout behind it
        what = {"server": str(server), "host": server.host, "seconds": f"{server.timeout:g}", "error": str(error)}
        match error:
            case _ if self._watch.expired:
                return _("%(server)s did not answer in time: the conversation took too long.") % what
            case socket.gaierror() | UnicodeError():
                return _("The name %(host)s is not known. Check Host.") % what
            case TimeoutError():
                return _("%(server)s did not answer within %(seconds)s seconds. Check Host, Port and Timeout.") % what
            case ConnectionRefusedError():
                return _("%(server)s refuses the connection. Check Host and Port.") % what
            case ssl.SSLCertVerificationError():
                what["error"] = error.verify_message
                return _("The certificate of %(server)s is not valid: %(error)s.") % what
            case ssl.SSLError():
                what["error"] = error.reason or str(error)
                return _("No encryption with %(server)s: %(error)s. Use SSL is for port 465, Use TLS for 587.") % what
            case smtplib.SMTPServerDisconnected() | ConnectionError():
                return _("%(server)s closed the connection.") % what
            case smtplib.SMTPNotSupportedError():
                return _("The server offers no way to sign in (AUTH). Leave Username empty, or turn Use TLS on.")
        return _("The conversation with %(server)s failed: %(error)s") % what
