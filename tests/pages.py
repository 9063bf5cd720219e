"""Every URL of the server as a table, walked by the tests: a page that is added later is covered by all of them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

from accounts.models import Account
from accounts.roles import Role
from agora.base.access import Access, allows
from agora.base.models import fold
from api_keys.services.keys import create_key
from audit.models import Entry
from feedback.models import Feedback
from mail.models import Message
from projects.models import MY_AGORA, Membership, Project
from projects.services.members import add_member
from projects.services.projects import create_project
from resources.models import Input, Push
from resources.services.devices import create_device
from resources.services.ends import add_end
from resources.services.resources import create_stream, create_streamer
from resources.services.stream_sessions import open_session
from rest.routes import access_of
from sessions_admin.models import Elevation, Session, digest_of
from sessions_admin.store import SessionStore
from sso.claims import Check
from sso.models import Identity
from sso.services.testing import begin_test, finish_test
from tests.conftest import Make
from tests.resources.conftest import recording
from tests.sso.conftest import MakeProvider

CAST: dict[str, dict[str, Any]] = {
    "root": {"role": Role.ADMINISTRATOR, "is_superuser": True},
    "ada": {"role": Role.ADMINISTRATOR},
    "sam": {"role": Role.SECURITY},
    "connie": {"role": Role.CONTENT_MANAGER},
    "ed": {"role": Role.EDITOR},
    "vic": {"role": Role.VIEWER},
    "otto": {"role": Role.OBSERVER},
    "nell": {"role": Role.NONE},
}
API = "/api/v1/"
PROVIDER_SILENT = 503  # the world's provider is at an address where nobody answers, and a page says so
UNSAFE_PROBE = "PURGE"  # a method that no view has


@dataclass(frozen=True)
class Row:
    """One URL: its pattern, its view's name, the methods it answers and who may call it."""

    route: str
    name: str
    methods: tuple[str, ...]
    access: Access | None

    @property
    def who(self) -> str:
        """The cast that may call it; everybody's names when it is public."""
        if self.access is None:
            return "UNDECLARED"
        people = [name for name, facts in CAST.items() if allows(self.access, Account(username=name, **facts))]
        return " ".join(["nobody", *people] if self.access.public else people)

    def address(self, **ids: Any) -> str:
        """With ids filled in: ``/accounts/<int:pk>/`` takes the id named ``accounts``. Raises KeyError."""
        return re.sub(r"([\w-]+)/<(?:int|slug):\w+>", lambda found: f"{found[1]}/{ids[found[1]]}", self.route)


def rows() -> list[Row]:
    """The table of the pages, in the order of the addresses."""
    return [row for row in every_row() if not row.route.startswith(API)]


def api_rows() -> list[Row]:
    """The table of the API: one row for each operation."""
    return [row for row in every_row() if row.route.startswith(API)]


@cache
def every_row() -> list[Row]:
    return sorted(_rows(get_resolver().url_patterns, "/", ""), key=lambda row: (row.route, row.methods))


def _rows(patterns: list[URLPattern | URLResolver], prefix: str, namespace: str) -> Iterator[Row]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            name = f"{namespace}{pattern.name or ''}"
            if operations := access_of(pattern.callback):
                for method, declared in operations.items():
                    if method != "HEAD":
                        methods = ("GET", "HEAD") if method == "GET" else (method,)
                        yield Row(route, name, methods, declared)
                continue
            access = getattr(pattern.callback, "access", None)
            yield Row(route, name, methods_of(pattern.callback), access)
        else:
            below = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _rows(pattern.url_patterns, route, below)


def methods_of(view: Callable[..., Any]) -> tuple[str, ...]:
    """The methods that the view declares (require_safe, require_POST …); "ANY" when it declares none."""
    request = RequestFactory().generic(UNSAFE_PROBE, "/")
    try:
        values = {"pk": 1, "alias": "a", "key": "k", "kind": "k"}
        response = view(request, **{name: value for name, value in values.items() if name in _parameters(view)})
    except Exception:  # without a declaration the view itself ran, with a request that passed no middleware
        return ("ANY",)
    return tuple(part.strip() for part in response.headers.get("Allow", "ANY").split(","))


def _parameters(view: Callable[..., Any]) -> tuple[str, ...]:
    while hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    return view.__code__.co_varnames[: view.__code__.co_argcount]


def table() -> str:
    """``tests/access.txt``: the file that a person reviews when a page comes or its access changes."""
    lines = [("URL", "Methods", "Declared", "Who")]
    lines += [(row.route, " ".join(row.methods), str(row.access or "UNDECLARED"), row.who) for row in every_row()]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]).rstrip() + "\n"
        for line in lines
    )


class World:
    """Everybody of the cast, signed in once, and one row of every kind that an address may name."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.people = {name: make.account(name, **facts) for name, facts in CAST.items()}
        self.tara = make.account("tara", role=Role.VIEWER, first_name="Tara", external_id="x-1")
        for account in [*self.people.values(), self.tara]:
            make.client(account)
        self.passkey = WebAuthnCredential.objects.create(
            user=self.people["root"], name="Key ring", credential_id=b"one", public_key=b"two", aaguid="0"
        )
        self.key, self.secret = create_key(self.tara, "Tara's script", actor=make.actor(self.tara))
        self.letter = Feedback.objects.create(
            at=self.tara.created_at, text="The clock is wrong.", page="/", account=self.tara, account_name="tara"
        )
        self.mail = Message.objects.create(
            message_id="<1@localhost>", template="test", recipient="tara@example.com", subject="Test", content="x",
            state="failed", attempts=1, answer="550 No such user", created_at=self.tara.created_at,
            answers=[{"at": "2026-11-20T12:00:00+00:00", "answer": "550 No such user"}],
            next_at=self.tara.created_at, give_up_at=self.tara.created_at, finished_at=self.tara.created_at,
        )  # fmt: skip
        self.visited([*self.people.values(), self.tara])
        owner = make.actor(self.people["root"])
        self.project = create_project("Knee study", "Twelve patients.", actor=owner)
        self.membership = add_member(self.project, self.tara, "observer", actor=owner)
        self.elevation = Elevation.objects.create(
            kind="admin_mode", session_id=1, account_id=self.people["root"].pk, account_name="root", reason="Ticket 1",
            started_at=self.tara.created_at, ends_at=self.tara.created_at + timedelta(hours=1),
            last_used_at=self.tara.created_at, ended_at=self.tara.created_at + timedelta(minutes=5), end="stopped",
        )  # fmt: skip
        self.streamer = create_streamer("origin1.example.com", actor=make.actor())
        self.stream = create_stream("studio-2", streamer=self.streamer, actor=make.actor())
        self.recording = recording(make, self.stream)
        self.provider, self.directory = MakeProvider()("openid", "clinic"), MakeProvider()("ldap", "house")
        self.identity = Identity.objects.create(
            provider=self.directory, subject="1", account=self.tara, created_at=self.tara.created_at
        )
        self.report = finish_test(
            begin_test(self.directory, [], actor=owner), [Check(False, "Connection", "No answer.")], None, actor=owner
        )
        self.session, _new = open_session(self.stream, name="v-1", who="tara", actor=make.actor())
        values = {"name": "Camera 1", "card_id": "0"}
        self.device = create_device(self.streamer, values, actor=make.actor())
        self.input = add_end(self.stream, Input(kind="publish"), {}, actor=make.actor())
        self.push = add_end(self.stream, Push(kind="rtmp"), {"url": "rtmp://live.example.com/app"}, actor=make.actor())
        self.entry = Entry.objects.create(
            at=Session.objects.latest("pk").opened_at, event="account.locked", outcome="success", actor_name="sam"
        )

    def visited(self, people: list[Account]) -> None:
        """Everybody has been here before and has a private project, made in one go."""
        named, at = {"name": MY_AGORA, "name_key": fold(MY_AGORA), "search_text": fold(MY_AGORA)}, self.tara.created_at
        made = [Project(owner=account, is_personal=True, created_at=at, **named) for account in people]
        Project.objects.bulk_create(made)
        Membership.objects.bulk_create(
            Membership(project=project, account=project.owner, role="manager", added_at=at) for project in made
        )

    def client(self, name: str, **how: Any) -> Client:
        """A browser of the person's; "nobody" is a visitor. Walks take ten thousand of them, so the session is written
        straight into its table, and all share one chain of middlewares.
        """
        client = Client(**how)
        client.handler = _handler(client.handler.enforce_csrf_checks)
        if name != "nobody":
            account, store = self.people[name], SessionStore()
            store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(account.pk), "accounts.backends.LocalBackend"
            store[HASH_SESSION_KEY] = account.get_session_auth_hash()
            store.save()
            client.cookies[settings.SESSION_COOKIE_NAME] = store.session_key
        return client

    def client_with(self, key: str) -> Client:
        """A browser with the key of a session that is there, seen just now: that is written down once a minute."""
        Session.objects.filter(key_digest=digest_of(key)).update(last_seen_at=timezone.now())
        client = self.client("nobody")
        client.cookies[settings.SESSION_COOKIE_NAME] = key
        return client

    @property
    def ids(self) -> dict[str, Any]:
        """What the addresses name: somebody else's account, session and API key, an entry, a message."""
        theirs = Session.objects.of_account(self.tara.pk).latest("pk")
        mine = {"accounts": self.tara.pk, "impersonate": self.tara.pk, "admin-mode": self.elevation.pk}
        mine |= {"projects": self.project.pk, "members": self.membership.pk}
        mine |= {"streamers": self.streamer.pk, "streams": self.stream.pk, "resources": self.stream.pk}
        mine |= {"recordings": self.recording.pk, "passkeys": self.passkey.pk}
        mine |= {"stream-sessions": self.session.pk, "devices": self.device.pk}
        mine |= {"inputs": self.input.pk, "pushes": self.push.pk}
        mine |= {"sessions": theirs.pk, "keys": self.key.pk, "audit": self.entry.pk}
        mine |= {"single-sign-on": self.directory.pk, "sso": self.provider.alias, "new": "ldap"}
        mine |= {"reports": self.report.key, "identities": self.identity.pk, "results": "gone"}
        return mine | {"feedback": self.letter.pk, "outbox": self.mail.pk}


@cache
def _handler(enforce_csrf_checks: bool) -> ClientHandler:
    return ClientHandler(enforce_csrf_checks)


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to see that nothing changed."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT {columns} FROM "{model._meta.db_table}" ORDER BY 1')
            found[model._meta.db_table] = cursor.fetchall()
    return found


def changed(before: dict[str, list[tuple[Any, ...]]], *, but: tuple[str, ...] = ()) -> list[str]:
    """The tables that differ from then."""
    now = contents()
    return [table for table in now if table not in but and now[table] != before[table]]
