"""Linking accounts to what providers call them, by administrators."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services.rules import check_may_edit, fresh, keep_a_superuser_in
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked
from audit.events import event
from audit.services import change
from sessions_admin.models import Session
from sessions_admin.services import AlreadyClosed, end_session
from sessions_admin.store import Way
from sso.models import Identity, Provider
from sso.services.mapping import LINKED

UNLINKED = event("identity.unlinked", _("Account unlinked from a provider"))


class AlreadyLinked(Refused):
    status = 409
    message = _("This account is linked to this provider already, or another account is linked to this subject.")


def has_directory(account: Account) -> bool:
    """Is it linked to an enabled directory, which checks its password?"""
    return Identity.objects.in_directories(account.pk).exists()


def has_way(account: Account) -> bool:
    """Is it linked to an enabled provider of any kind?"""
    return Identity.objects.of_account(account.pk).filter(provider__enabled=True).exists()


def still_stands(account: Account, way: Way) -> bool:
    """Does the provider, enabled, still know this account as whom it named a moment ago?"""
    if way.provider_id is None:
        return True
    rows = Identity.objects.of_provider(way.provider_id).filter(account=account, subject=way.provider_subject)
    return rows.filter(provider__enabled=True).exists()


def link(account: Account, provider: Provider, subject: str, *, username: str = "", actor: Actor) -> Identity:
    """From now on who the provider names so signs in as this account.

    Raises AlreadyLinked, OnlySuperusersEditSuperusers, Gone.
    """
    with change(LINKED, actor=actor, target=account, provider=provider.name, subject=subject):
        check_may_edit(fresh(account), actor)
        locked(Provider.objects.all(), provider)
        try:
            with transaction.atomic():
                return Identity.objects.create(
                    provider=provider, subject=subject, username=username, account=account, created_at=actor.at
                )
        except IntegrityError as error:
            raise AlreadyLinked from error


def unlink(identity: Identity, *, actor: Actor) -> int:
    """The provider's word lets nobody into this account any more; sessions that came of it end. Returns how many.

    Raises OnlySuperusersEditSuperusers, LastWayIn, Gone.
    """
    account, provider = identity.account, identity.provider
    with change(UNLINKED, actor=actor, target=account, provider=provider.name, subject=identity.subject) as entry:
        check_may_edit(fresh(account), actor)
        with keep_a_superuser_in():
            locked(Identity.objects.all(), identity).delete()
        ended = 0
        rows = Session.objects.not_closed().of_account(account.pk)
        for session in rows.of_provider(provider.pk, subject=identity.subject).select_related("account"):
            try:
                end_session(session, actor=actor)
                ended += 1
            except AlreadyClosed:
                continue
        entry.details["sessions_ended"] = ended
    return ended
