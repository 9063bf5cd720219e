"""Passwords that a directory knows: asked after our own, in the order that the product lays down.

A username with a password of ours is never sent to a directory. An account that is linked to one is checked only
there. Any other is tried on each enabled directory in order.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.services.ways import Attempt
from sessions_admin.models import Method
from sso.claims import ProviderRefused, ProviderSilent
from sso.ldap.directory import Broken, Directory, Found, NotThere, WrongPassword
from sso.models import Identity, Provider
from sso.services.arrival import way_of
from sso.services.mapping import check_enabled, settle


class DirectoryBackend(BaseBackend):
    """Gives no permission and no account by its id: sessions never ask a directory anything."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        attempt: Attempt | None = None,
        **_more: Any,
    ) -> Account | None:
        if not username or not password or attempt is None:
            return None
        account: Account | None = Account.objects.named(username).first()
        if account is not None and account.has_usable_password():
            return None
        linked = _identities(account)
        if linked:
            return self._in_turn(attempt, [(one.provider, one.username or username, one) for one in linked], password)
        if attempt.confirming:
            return None
        providers = list(Provider.objects.directories())
        return self._in_turn(attempt, [(provider, username, None) for provider in providers], password)

    def _in_turn(
        self, attempt: Attempt, asked: list[tuple[Provider, str, Identity | None]], password: str
    ) -> Account | None:
        """The first directory that knows the password decides; one that can't be asked leaves the question open."""
        for provider, username, identity in asked:
            try:
                found = Directory(provider.ldap).sign_in(username, password)
                return _accept(attempt, provider, found, identity)
            except (NotThere, WrongPassword) as refused:
                if isinstance(refused, WrongPassword) or not attempt.reason:
                    _note(attempt, provider, refused)
                attempt.heard |= isinstance(refused, WrongPassword)
            except ProviderSilent as refused:
                _note(attempt, provider, refused)
                attempt.sentence = _("%(name)s does not answer. Try again later.") % {"name": provider.name}
            except Broken as refused:
                _note(attempt, provider, refused)
                attempt.sentence = _("%(name)s can't be asked at the moment. Tell your administrators.") % {
                    "name": provider.name
                }
            except ProviderRefused as refused:
                _note(attempt, provider, refused)
                attempt.sentence = ""
                return None
        return None

    def get_user(self, user_id: Any) -> None:
        return None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return False

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()


def _identities(account: Account | None) -> list[Identity]:
    """The account's links to enabled directories, in their order."""
    return list(Identity.objects.in_directories(account.pk)) if account is not None else []


def _accept(attempt: Attempt, provider: Provider, found: Found, identity: Identity | None) -> Account:
    attempt.details = {
        "provider": provider.name,
        "subject": found.person.subject,
        "directory_username": found.person.username,
    }
    found.check()
    if identity is not None and identity.subject != found.person.subject:
        raise ProviderRefused("other_subject", _("The directory has somebody else by this username now."))
    if attempt.confirming and identity is not None:
        account: Account = identity.account
        with transaction.atomic():
            check_enabled(provider)
    else:
        account = settle(provider, found.person, actor=attempt.actor)
    attempt.way, attempt.reason, attempt.sentence = way_of(provider, found.person, Method.LDAP), "", ""
    return account


def _note(attempt: Attempt, provider: Provider, refused: ProviderRefused) -> None:
    """For the audit log: which directory said what."""
    attempt.reason = refused.reason
    attempt.details |= {"provider": provider.name, "sentence": str(refused)}
