"""Django's session engine, with the sign-in session's row as its storage.

The row is the check: a session that was ended is not found by the next request, in any process. Nothing is cached.
"""

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.utils import timezone

from agora.base.actor import Actor
from agora.base.prepared import TEXT, Prepared
from agora.base.writing import insert
from sessions_admin.models import Cause, Method, Session, digest_of

if TYPE_CHECKING:
    from accounts.models import Account

# The one query of every request: session, account and the server's limits by the key's digest.
open_session = Prepared(
    "agora_open_session", lambda: Session.objects.not_closed().with_limits().filter(key_digest=TEXT)
)


@dataclass(frozen=True)
class Way:
    """How an account proved who it is, as the session's row says it; ``asks_second_factor``: ours, once it is required.

    Other systems that people sign in through have second factors of their own.
    """

    method: Method = Method.UNKNOWN
    asks_second_factor: bool = True
    provider_id: int | None = None
    provider_name: str = ""
    provider_session: str = ""
    provider_subject: str = ""


@dataclass(frozen=True)
class Beginning:
    """A session that is about to be: its key, what is kept in it, and its row, which is not written yet."""

    key: str
    values: dict[str, Any]
    row: Session


class SessionStore(SessionBase):
    """One browser's session. ``row`` is its row, None until there is one; ``cause`` says why it is about to end;
    ``over`` that it ended by this request."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.row: Session | None = None
        self.cause = Cause.SIGNED_OUT
        self.ended: tuple[Session, Cause] | None = None
        self.over = False
        self.address: str | None = None
        self.user_agent = ""
        self.way = Way()

    @property
    def row_id(self) -> int | None:
        """The id of the row, if there is one."""
        return self.row.pk if self.row else None

    @property
    def account(self) -> "Account | None":
        """The account that is signed in here, loaded with the session in one query."""
        self._get_session()  # type: ignore[attr-defined]
        return self.row.account if self.row else None

    # --- What Django's session engines do -----------------------------------------------------------------------------

    def load(self) -> dict[str, Any]:
        now = timezone.now()
        row = open_session(digest_of(self.session_key or ""))
        if row is None:
            self._session_key = None
            return {}
        if past := row.past(now, idle=row.idle_limit, absolute=row.absolute_limit):
            self.ended = (row, past)
            self._session_key = None
            return {}
        self.row = row
        return self.decode(row.data)

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(key_digest=digest_of(session_key)).exists()

    def _get_new_session_key(self) -> str:
        """160 random bits need no look whether they are taken; the unique column would say so. Drawn at once: Django's
        ``get_random_string`` asks the system for each letter."""
        return secrets.token_hex(20)

    def create(self) -> None:
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Write the dictionary. Raises UpdateError when the session was ended meanwhile: nothing may bring it back."""
        values = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if self.session_key is None:
            return self.create()
        data, account_id = self.encode(values), values.get(SESSION_KEY)
        if must_create or self.row is None:
            return self._insert(data, account_id)
        if data == self.row.data and str(self.row.account_id) == str(account_id):
            return None  # written before in this request
        changed: dict[str, Any] = {"data": data}
        if account_id is not None and str(self.row.account_id) != str(account_id):
            now = timezone.now()
            changed |= {"account_id": int(account_id), "opened_at": now, "last_seen_at": now, **vars(self.way)}
        elif account_id is None and self.way != Way():  # half-way in: whoever said so may take it back
            changed |= vars(self.way)
        if not Session.objects.not_closed().filter(pk=self.row.pk).update(**changed):
            raise UpdateError
        for name, value in changed.items():
            setattr(self.row, name, value)
        return None

    def _insert(self, data: str, account_id: Any) -> None:
        row = self._new(self.session_key or "", data, int(account_id) if account_id is not None else None, self.way)
        insert(row)
        self.row = row

    def _new(self, key: str, data: str, account_id: int | None, way: Way) -> Session:
        now = timezone.now()
        return Session(
            key_digest=digest_of(key),
            account_id=account_id,
            data=data,
            opened_at=now,
            last_seen_at=now,
            **vars(way),
            address=self.address,
            user_agent=self.user_agent,
        )

    def beginning(self, account_id: int, values: dict[str, Any], way: Way, *, pk: int | None) -> Beginning:
        """A session of this account, under a new key, with ``values`` besides what is kept here: for whoever writes its
        row, of id ``pk`` where one was drawn, and then calls ``begin``. Until then nothing changes here."""
        key, values = self._get_new_session_key(), dict(self.items()) | values
        row = self._new(key, self.encode(values), account_id, way)
        row.pk = pk
        return Beginning(key, values, row)

    def begin(self, beginning: Beginning) -> None:
        """Its row is written: from here on it is the session of this browser."""
        self._session_key, self._session_cache, self.row = beginning.key, beginning.values, beginning.row
        self.modified = True

    def cycle_key(self) -> None:
        """The same session under a new key, at once: done at every step up or down in privilege (session fixation)."""
        self._get_session()  # type: ignore[attr-defined]
        self._session_key = self._get_new_session_key()
        if self.row is None:
            self.modified = True  # the row comes with its first data
            return
        if not Session.objects.not_closed().filter(pk=self.row.pk).update(key_digest=digest_of(self._session_key)):
            raise UpdateError
        self.modified = True

    def delete(self, session_key: str | None = None) -> None:
        """End the session: an account's row becomes history, a visitor's row goes."""
        from sessions_admin.elevations import end_of_sessions

        rows = Session.objects.not_closed().filter(key_digest=digest_of(session_key or self.session_key or ""))
        end_of_sessions(rows.values("pk"), actor=Actor.system(), at=timezone.now())
        rows.filter(account__isnull=True).delete()
        rows.update(closed_at=timezone.now(), cause=self.cause, data="")
        self.row, self.over = None, True

    @classmethod
    def clear_expired(cls) -> None:
        """Django's ``clearsessions``: the same as ``purge-sessions``."""
        from sessions_admin.services import purge_sessions

        purge_sessions(now=timezone.now())

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Plain JSON: the row is in our own database, a signature would protect nothing and cost time."""
        return json.dumps(session_dict, separators=(",", ":")) if session_dict else ""

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        values = json.loads(session_data) if session_data else {}
        return values if isinstance(values, dict) else {}

    def touch(self) -> Self:
        """Write down that the session is in use, at most once a minute."""
        now = timezone.now()
        if self.row is not None and (now - self.row.last_seen_at).total_seconds() >= 60:
            Session.objects.not_closed().filter(pk=self.row.pk).update(last_seen_at=now)
            self.row.last_seen_at = now
        return self
