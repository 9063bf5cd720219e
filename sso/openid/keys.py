"""The keys that providers sign with (RFC 7517): kept for five minutes, asked for anew when a token names another."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import jwt
from django.utils.translation import gettext as _

from sso.claims import ProviderRefused
from sso.openid.discovery import ask

KEPT = 300.0  # seconds
# Anybody can send a token that names a key which does not exist: how long nobody is asked after such a one.
HOLD = 10.0  # seconds
KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # of keys, by how the algorithm's name begins


@dataclass
class _Known:
    keys: list[dict[str, Any]]
    at: float
    held_until: float = 0.0


_known: dict[str, _Known] = {}
_lock = threading.Lock()


def find(url: str, *, key_id: str | None, algorithm: str) -> jwt.PyJWK:
    """The one key of the set at ``url`` that a token with this header is signed with. Raises ProviderRefused."""
    known, now = _get(url), time.monotonic()
    found = _matching(known.keys, key_id, algorithm)
    if not found and now >= known.held_until:
        known = _get(url, fresh=True)
        found = _matching(known.keys, key_id, algorithm)
        known.held_until = 0.0 if found else now + HOLD
    if not found:
        sentence = _("The token is signed with the key %(key)s, which the provider does not publish.")
        raise ProviderRefused("unknown_key", sentence % {"key": str(key_id)[:100]})
    if key_id is None and len(found) > 1:
        # OpenID Connect Core 1.0, 10.1: it must be named then; trying them all would hide a wrong one.
        raise ProviderRefused("key_not_named", _("The token does not say which of the provider's keys signed it."))
    try:
        return jwt.PyJWK(found[0], algorithm)
    except jwt.PyJWTError as error:
        raise ProviderRefused("bad_key", _("The provider's key can't be used: %(why)s.") % {"why": error}) from error


def forget() -> None:
    """Ask everybody anew."""
    with _lock:
        _known.clear()


def _get(url: str, *, fresh: bool = False) -> _Known:
    with _lock:
        known = _known.get(url)
    if known is not None and not fresh and time.monotonic() - known.at < KEPT:
        return known
    keys = ask(url).get("keys")
    if not isinstance(keys, list):
        raise ProviderRefused("bad_key", _("The provider's set of keys is none."))
    known = _Known([key for key in keys if isinstance(key, dict)], time.monotonic())
    with _lock:
        _known[url] = known
    return known


def _matching(keys: list[dict[str, Any]], key_id: str | None, algorithm: str) -> list[dict[str, Any]]:
    return [
        key
        for key in keys
        if (key_id is None or key.get("kid") == key_id)
        and key.get("kty") == KINDS[algorithm[:2]]
        and key.get("alg", algorithm) == algorithm
        and key.get("use", "sig") == "sig"
    ]
