"""Signing out of what a provider opened: here it always works, there where the provider can be told."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.services import ways
from agora.base.actor import Actor
from audit.events import event
from audit.services import record
from sessions_admin.models import Cause, Session
from sessions_admin.services import AlreadyClosed, end_session
from sessions_admin.store import SessionStore
from sso.models import Kind, Provider
from sso.services import protocols

LONGEST = 255  # characters of a provider's name for its session; the beginning of a longer one stands for it
SIGNED_OUT_THERE = event("provider.signed_out", _("Sign-out told by a provider"))


def where_to(request: HttpRequest) -> str:
    """The address where the person goes on signing out, or ""."""
    store = request.session
    assert isinstance(store, SessionStore)
    if store.row is None or store.row.provider_id is None:
        return ""
    provider = Provider.objects.with_settings().filter(pk=store.row.provider_id).first()
    if provider is None or provider.kind == Kind.LDAP:
        return ""
    return protocols.away(provider.kind).leave(request, provider, ways.kept(store))


def end_sessions_of(provider: Provider, *, subject: str = "", session_id: str = "", actor: Actor) -> int:
    """The provider told that somebody signed out there: end the sessions that it opened for this subject, in this
    session of its own, or both; returns how many. One entry, also for none.

    Whoever is half-way in by the same word, before a second factor, begins anew.
    """
    session_id = session_id[:LONGEST]
    rows = Session.objects.not_closed().of_provider(provider.pk, subject=subject, session=session_id)
    rows.visitors().delete()
    ended = 0
    for session in rows.signed_in().select_related("account").order_by("pk"):
        ended += _end(session, actor)
    record(
        SIGNED_OUT_THERE,
        actor=actor,
        target=provider,
        sessions_ended=ended,
        subject=subject,
        provider_session=session_id,
    )
    return ended


def _end(session: Session, actor: Actor) -> int:
    try:
        end_session(session, actor=actor, cause=Cause.SIGNED_OUT_THERE)
    except AlreadyClosed:
        return 0
    return 1
