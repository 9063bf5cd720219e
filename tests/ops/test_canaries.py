"""Distinctive secrets, used everywhere in a running server, then looked for in all that it wrote and sent."""

import re
import signal
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from lxml import html

from tests.ops.conftest import Prepared, Run
from tests.ops.serving import LIMIT, Server
from tests.services.smtp import Mailhost

PASSWORD = "canary-password-9b1f the river"
CHOSEN = "canary-chosen-password-c27d the hill"
REGISTERED = "canary-registered-password-e83a the lake"
MISTYPED = "canary-password-typed-as-a-name-d41c"
SMTP = "canary-smtp-password-77aa"
BEARER = "agora_canary_key_5f5f5f5f5f"

PREPARE = f"""
import django, sys
django.setup()
from accounts.models import Account
from agora.base.actor import Actor
from accounts.services.accounts import create_account
from mail.models import MailSettings
from settings_admin.models import ServerSettings
from api_keys.services.keys import create_key
vera = create_account("vera", password={PASSWORD!r}, temporary=False, role="administrator", email="vera@example.com",
               actor=Actor.command("test"))
row = MailSettings.load()
row.mode, row.host, row.port, row.use_tls = "server", "127.0.0.1", int(sys.argv[1]), False
row.from_email = "agora@example.com"
row.username, row.password = "agora", {SMTP!r}
row.save()
_row, secret = create_key(vera, "Script", actor=Actor(account=vera))
print(secret)
ServerSettings.objects.update(allow_registration=True, error_recipients="it@example.com")
"""
BREAK = """
import django
django.setup()
from django.db import connection
connection.cursor().execute("DROP TABLE accounts_resetrequest")
"""


class Visitor:
    """A browser's part: cookies, forms with their tokens, and every page it was shown."""

    def __init__(self, server: Server) -> None:
        self.base, self.pages, self.cookies = f"http://127.0.0.1:{server.port}", [""], CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def ask(self, path: str, data: dict[str, str] | None = None, **headers: str) -> int:
        sent = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(self.base + path, sent, headers)
        try:
            with self.opener.open(request, timeout=LIMIT) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, body = refused.code, refused.read()
        self.pages.append(body.decode())
        return int(status)

    def submit(self, path: str, **fields: str) -> int:
        """Open the page, fill its form in, send it."""
        self.ask(path)
        form = html.fromstring(self.pages[-1]).xpath("//main//form[@method='post']")[0]
        hidden = {name: value for name, value in form.fields.items() if value is not None}
        return self.ask(form.get("action") or path, {**hidden, **fields})


@pytest.fixture
def mailhost() -> Iterator[Mailhost]:
    """It repeats the password in every answer to a mail."""
    knows = f"I know your {SMTP}"
    host = Mailhost(users={"agora": SMTP}, taken=f"250 {knows}, queued as", **{"wrong@example.com": f"550 {knows}"})
    yield host
    host.stop()


@pytest.fixture
def server(tmp_path: Path, prepared: Prepared) -> Iterator[Server]:
    with Server(prepared(tmp_path / "data")) as server:
        yield server.ready()


def test_no_secret_is_written_down_or_sent(server: Server, run: Run, mailhost: Mailhost, tmp_path: Path) -> None:
    own = {"AGORA_DATA": str(server.data), "AGORA_SECRET_KEY": "", "AGORA_ENCRYPTION_KEY": ""}
    prepared = run("-c", PREPARE, str(mailhost.port), **own)
    assert prepared.returncode == 0, prepared.stderr
    api_key = prepared.stdout.split()[-1]
    assert api_key.startswith("agora_")

    def mailed(subject: str) -> str:
        found: list[str] = []

        def arrived() -> bool:
            found[:] = [
                mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
                for mail in mailhost.received if subject in mail["Subject"]
            ]  # fmt: skip
            return bool(found)

        server.until(arrived)
        return found[-1]

    # Signing in: right, wrong, and with a password in the wrong field.
    vera = Visitor(server)
    assert vera.submit("/sign-in/", username="vera", password=PASSWORD) == 200 and "Sign out" in vera.pages[-1]
    key = next(cookie.value for cookie in vera.cookies if cookie.name == "agora_session")
    visitor = Visitor(server)
    assert visitor.submit("/sign-in/", username=MISTYPED, password=CHOSEN) == 422
    assert MISTYPED in visitor.pages.pop()  # the field keeps what was typed, for that person alone
    assert visitor.ask("/accounts/", Authorization=f"Bearer {BEARER}") == 200  # the sign-in page
    visitor.ask("/no-such-page/", Authorization=f"Bearer {BEARER}")
    script = Visitor(server)
    assert script.ask("/api/v1/me", Authorization=f"Bearer {api_key}") == 200 and "vera" in script.pages[-1]
    assert script.ask("/api/v1/me", Authorization=f"Bearer {BEARER}") == 401
    # Settings.
    assert vera.submit("/settings/server/general/", hostname=f"127.0.0.1:{server.port}") == 200
    # A new password by mail.
    assert visitor.submit("/sign-in/forgot/", account="vera@example.com") == 200
    assert visitor.submit("/sign-in/forgot/", account=MISTYPED) == 200
    link = re.findall(r"https?://[^/]+(/sign-in/reset/\S+)", mailed("New password for vera"))[0]
    assert visitor.submit(link, new_password=CHOSEN, repeated=CHOSEN) == 200
    mailed("was changed")
    # A new account by mail.
    assert visitor.submit("/register/", username="ruth", email="ruth@example.com", password=REGISTERED) == 200
    confirm = re.findall(r"https?://[^/]+(/register/confirm/\S+)", mailed("Your account ruth"))[0]
    assert visitor.submit(confirm) == 200
    ruth = Visitor(server)
    assert ruth.submit("/sign-in/", username="ruth", password=REGISTERED) == 200 and "Sign out" in ruth.pages[-1]
    # A mail that is refused.
    assert visitor.submit("/register/", username="rolf", email="wrong@example.com", password=REGISTERED) == 200
    assert vera.submit("/sign-in/", username="vera", password=CHOSEN) == 200
    failed = "/settings/server/mail/outbox/?state=failed"
    server.until(lambda: vera.ask(failed) == 200 and "550 I know your •••" in vera.pages[-1])
    # An error that nobody handles, with a password in the request.
    visitor.ask("/sign-in/forgot/")
    assert run("-c", BREAK, **own).returncode == 0
    form = html.fromstring(visitor.pages[-1]).xpath("//main//form[@method='post']")[0]
    assert (
        visitor.ask("/sign-in/forgot/", {**form.fields, "account": MISTYPED}, Authorization=f"Bearer {BEARER}") == 500
    )
    assert "OperationalError" in mailed("Error on")

    server.supervisor.send_signal(signal.SIGTERM)
    assert server.supervisor.wait(LIMIT) == 0
    reset_key, confirm_key = link.partition("key=")[2], confirm.partition("key=")[2]
    secrets = [PASSWORD, CHOSEN, REGISTERED, MISTYPED, SMTP, BEARER, api_key, key, reset_key, confirm_key]
    pages = "".join([*vera.pages, *visitor.pages, *script.pages, *ruth.pages])
    mails = "".join(mail.as_string() + str(mail.get_body(("plain",)).get_content()) for mail in mailhost.received)  # type: ignore[union-attr]
    places = {path.name: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}
    places |= {path.name: path.read_bytes() for path in server.logs}
    assert {"agora.sqlite3", "access.log", "error.log", "worker.log"} <= set(places)
    assert b"vera@example.com" in places["agora.sqlite3"]
    assert all(secrets)
    for secret in secrets:
        found = [name for name, content in places.items() if secret.encode() in content]
        assert found == [], secret
        if secret not in (reset_key, confirm_key):  # they are what those mails and forms are about
            assert secret not in mails and secret not in pages, secret
