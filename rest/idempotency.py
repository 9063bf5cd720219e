"""Idempotency-Key: a create that is sent again, after a lost answer say, is done once and answered alike.

After draft-ietf-httpapi-idempotency-key-header: the key belongs to the API key or the session that sent it, for a day,
and to one request.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import Header

from agora.base.errors import Refused
from agora.base.http import Request
from rest.errors import Invalid
from rest.models import Answer

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A text of your own, new for each create: repeating the request within a day does nothing again.",
    ),
]
KEPT_HEADERS = ("ETag", "Location", "Content-Type")


class IdempotencyKeyReused(Refused):
    status = 422
    message = _("This Idempotency-Key was sent with another request. Use a new one for each request.")


class SecretWasShown(Refused):
    """The answer held a secret, of which nothing is kept."""

    status = 409
    message = _(
        "This was made by the first of these requests, and its secret was shown once, in that answer. "
        "If the answer was lost, reset it to get a new secret, or delete it and make another."
    )


def once(request: Request, key: str | None, act: Callable[[], HttpResponse], *, secret: bool = False) -> HttpResponse:
    """Do it, or answer as it was answered before. What was refused is not kept: it may be tried again.

    With ``secret`` the answer shows something that is told once: it is not kept, and a repetition is refused.
    """
    account = request.actor.account
    if not key or account is None:
        return act()
    now, failure = request.actor.at, None
    named = {"account_id": account.pk, "key_digest": _digest(request, key)}
    with transaction.atomic():
        Answer.objects.stale(now).filter(**named).delete()
        # A repetition at the same moment waits here for the first one to end.
        kept, is_new = Answer.objects.get_or_create(
            **named, defaults={"fingerprint": fingerprint(request), "created_at": now}
        )
        if not is_new:
            return _again(kept, request)
        try:
            answer = act()
        except (Refused, ValidationError, Invalid, Http404) as error:
            kept.delete()
            failure = error  # raised outside, or the record of the refusal would be undone with the rest
        else:
            kept.status, kept.body = answer.status_code, "" if secret else answer.content.decode()
            kept.headers = {name: answer[name] for name in KEPT_HEADERS if name in answer and not secret}
            kept.save()
    if failure:
        raise failure
    return answer


def _digest(request: Request, key: str) -> str:
    """Of the key and of who sent it: what one key of an account was answered is nothing for another one, which may be
    limited to less."""
    actor = request.actor
    sender = f"key {actor.key.pk}" if actor.key else f"session {actor.session_id}"
    return hashlib.sha256(f"{sender}\n{key}".encode()).hexdigest()


def fingerprint(request: Request) -> str:
    """What makes two requests the same."""
    text = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(text).hexdigest()


def _again(kept: Answer, request: Request) -> HttpResponse:
    if kept.fingerprint != fingerprint(request):
        raise IdempotencyKeyReused
    if not kept.body:
        raise SecretWasShown
    answer = HttpResponse(kept.body, status=kept.status)
    for name, value in kept.headers.items():
        answer[name] = value
    answer["Idempotency-Replayed"] = "true"
    return answer


def purge_answers(*, now: datetime) -> int:
    """Remove what nobody repeats any more; returns how many."""
    removed, _kinds = Answer.objects.stale(now).delete()
    return removed
