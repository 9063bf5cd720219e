"""What it costs to know who asks: our session and account in one query, beside Django's session and auth middleware."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from accounts.models import Account
from bench import databases
from bench.timing import Line, Table, in_turns, ms

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
OURS = ["sessions_admin.middleware.SessionMiddleware", "accounts.middleware.AccountMiddleware"]
STOCK = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def measure(table: Table, database: str, *, rounds: int) -> None:
    """The same small view behind no session middleware, ours and Django's."""
    table.section("Session and account of a request")
    with databases.use(database):
        account = Account.objects.usable().exclude(pk=1).order_by("-pk")[0]
        plain = _caller([], "sessions_admin.store", "", b"out")
        ours = _caller(OURS, "sessions_admin.store", _session("sessions_admin.store", account), b"in")
        stock_key = _session("django.contrib.sessions.backends.db", account)
        stock = _caller(STOCK, "django.contrib.sessions.backends.db", stock_key, b"in")
        with override_settings(AUTHENTICATION_BACKENDS=[MODEL_BACKEND]):
            found = in_turns({"plain": plain, "ours": ours, "stock": stock}, rounds=rounds * 25, warm_up=50)
    mine, theirs = found["ours"] - found["plain"], found["stock"] - found["plain"]
    table.add(
        Line("session + account, beyond a view without", ms(mine), f"Django {ms(theirs)}", mine / theirs, "<= 0.4")
    )


def _session(engine: str, account: Account) -> str:
    """The key of a signed-in session of this engine."""
    store: Any = import_module(engine).SessionStore()
    store[SESSION_KEY] = str(account.pk)
    store[BACKEND_SESSION_KEY] = MODEL_BACKEND
    store[HASH_SESSION_KEY] = account.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def _caller(middleware: list[str], engine: str, key: str, answer: bytes) -> Callable[[], None]:
    """Calls the view through these middlewares; what it answers shows that the session counted."""
    handler = BaseHandler()
    with override_settings(MIDDLEWARE=middleware, SESSION_ENGINE=engine):
        handler.load_middleware()
    factory = RequestFactory()
    if key:
        factory.cookies["agora_session"] = key

    def call() -> None:
        request: HttpRequest = factory.get("/bench/nothing/")
        if handler.get_response(request).content != answer:
            raise AssertionError("The measured request was not answered as it should be.")

    return call
