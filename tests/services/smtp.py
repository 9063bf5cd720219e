"""A real SMTP server on loopback (aiosmtpd) that answers what the test tells it to."""

import asyncio
import ssl
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG = "hang"
DRIP = "drip"


class Mailhost:
    """``answers`` maps CONNECT, MAIL, RCPT, DATA to an answer other than yes, or to HANG or DRIP."""

    def __init__(
        self,
        *,
        certificate: Path | None = None,
        ssl_from_start: bool = False,
        users: dict[str, str] | None = None,
        delay: float = 0.0,
        pipelining: bool = True,
        refusal: str = "535 5.7.8 Wrong username or password",
        taken: str = "250 2.0.0 Queued as",
        **answers: str,
    ) -> None:
        self.answers = answers
        self.users, self.refusal, self.taken = users, refusal, taken
        self.pipelining = pipelining
        self.delay = delay  # seconds that each mail takes
        self.received: list[EmailMessage] = []
        self.connections = 0
        self.transports: list[asyncio.Transport] = []
        context = None
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        self._loop = asyncio.new_event_loop()
        outer, inner = (context, None) if ssl_from_start else (None, context)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="mailhost")
        self._thread.start()
        # In its own thread: a browser test's own event loop is running in this one.
        self._server = asyncio.run_coroutine_threadsafe(self._listen(inner, outer), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self, inner: ssl.SSLContext | None, outer: ssl.SSLContext | None) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Server(self, inner), "127.0.0.1", 0, ssl=outer)

    def stop(self) -> None:
        """Ends it with all its conversations; a second time does nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for transport in self.transports:
            transport.abort()
        await asyncio.sleep(0)  # they close in the loop's next round

    # What aiosmtpd calls.

    async def answer(self, step: str, server: "_Server") -> str | None:
        answer = self.answers.get(step)
        if answer == HANG:
            await asyncio.sleep(600)
        if answer == DRIP:
            for letter in "250-" + "x" * 600:
                server._writer.write(letter.encode())
                await asyncio.sleep(0.2)
        return answer

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return ["250-PIPELINING", *responses] if self.pipelining else responses

    async def handle_MAIL(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if answer := await self.answer("MAIL", server):
            return answer
        envelope.mail_from = address
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if answer := self.answers.get(address) or await self.answer("RCPT", server):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if answer := await self.answer("DATA", server):
            return answer
        await asyncio.sleep(self.delay)
        assert isinstance(envelope.content, bytes)
        self.note(envelope.content)
        return f"{self.taken} {len(self.received):04}"

    def note(self, content: bytes) -> None:
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.received.append(mail)

    def check(self, server: Any, session: Session, envelope: Envelope, mechanism: str, auth_data: Any) -> AuthResult:
        assert isinstance(auth_data, LoginPassword) and self.users is not None
        known = self.users.get(auth_data.login.decode()) == auth_data.password.decode()
        return AuthResult(success=known, handled=False, message=None if known else self.refusal)


class _Server(SMTP):
    host: Mailhost

    def __init__(self, host: Mailhost, context: ssl.SSLContext | None) -> None:
        self.host = host
        auth = {"authenticator": host.check, "auth_require_tls": False} if host.users is not None else {}
        super().__init__(host, tls_context=context, hostname="mail.example.com", loop=host._loop, **auth)

    def connection_made(self, transport: Any) -> None:
        self.host.transports.append(transport)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        self.host.connections += 1
        if answer := await self.host.answer("CONNECT", self):
            await self.push(answer)
            self.transport.close()
            return
        await super()._handle_client()
