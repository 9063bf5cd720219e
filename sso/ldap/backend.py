"""Passwords that a directory knows: asked after our own, in the order that the product lays down.

A username with a password of ours is never sent to a directory. An account that is linked to one is checked only
there, and nowhere while that one is disabled. Any other is tried on each enabled directory in order.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from accounts.services.ways import Attempt
from agora.base.actor import Actor
from agora.base.prepared import TEXT, Prepared
from audit.events import event
from audit.models import Outcome
from audit.services import record
from sessions_admin.models import Method
from sso.claims import ProviderBusy, ProviderRefused, ProviderSilent
from sso.ldap.directory import Directory, Found
from sso.ldap.groups import Broken
from sso.ldap.refusals import NotThere, WrongPassword
from sso.models import Identity, Kind, Provider
from sso.services.arrival import way_of
from sso.services.mapping import check_enabled, decide, settle

_directory = Prepared("agora_directory", lambda: Provider.objects.enabled().filter(kind=TEXT))
PASSED_OVER = event("provider.passed_over", gettext_lazy("Provider could not be asked at a sign-in"))


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
        account = attempt.known
        # Asked for every name alike: how long an answer takes tells nobody which names there are.
        some = _directory(Kind.LDAP) is not None
        if account is not None and account.has_usable_password():
            return None
        linked = _identities(account)
        enabled = [one for one in linked if one.provider.enabled]
        if linked and not enabled:
            _note(attempt, linked[0].provider, ProviderRefused("disabled", _("The account's directory is disabled.")))
            return None
        if linked:
            return self._in_turn(attempt, [(one.provider, one.username or username, one) for one in enabled], password)
        if attempt.confirming:
            return None
        providers = list(Provider.objects.directories()) if some else []
        return self._in_turn(attempt, [(provider, username, None) for provider in providers], password)

    def _in_turn(
        self, attempt: Attempt, asked: list[tuple[Provider, str, Identity | None]], password: str
    ) -> Account | None:
        """The first directory that knows the password decides; one that can't be asked leaves the question open.

        Where one knows it and can't be asked for the rest, no other is: the password is none of theirs.
        """
        not_asked: list[tuple[Provider, ProviderRefused]] = []
        for provider, username, identity in asked:
            directory = Directory(provider.ldap)
            try:
                found = directory.sign_in(username, password)
                account = _accept(attempt, provider, found, identity)
                _tell_passed_over(not_asked, attempt.actor)
                return account
            except (NotThere, WrongPassword) as refused:
                _note(attempt, provider, refused, decides=isinstance(refused, WrongPassword) or not attempt.reason)
                attempt.heard = True
            except ProviderSilent as refused:
                _note(attempt, provider, refused)
                not_asked.append((provider, refused))
                attempt.sentence = _not_asked(refused) % {"name": provider.name}
            except Broken as refused:
                _note(attempt, provider, refused)
                not_asked.append((provider, refused))
                sentence = _("%(name)s can't be asked at the moment. Tell your administrators.")
                attempt.sentence = sentence % {"name": provider.name}
            except ProviderRefused as refused:
                _note(attempt, provider, refused)
                attempt.sentence = ""
                return None
            if directory.knows:
                return None
        return None

    def get_user(self, user_id: Any) -> None:
        return None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return False

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()


def _identities(account: Account | None) -> list[Identity]:
    """The account's links to directories, in their order. Also to disabled ones: what another directory calls by the
    same name is somebody else."""
    return list(Identity.objects.in_all_directories(account.pk)) if account is not None else []


def _accept(attempt: Attempt, provider: Provider, found: Found, identity: Identity | None) -> Account:
    attempt.details |= {
        "provider": provider.name,
        "subject": found.person.subject,
        "directory_username": found.person.username,
    }
    found.check()
    if identity is not None and identity.subject != found.person.subject:
        raise ProviderRefused("other_subject", _("The directory has somebody else by this username now."))
    known = decide(provider, found.person).account
    if known is not None and known.has_usable_password():
        sentence = _("The account %(name)s has a password of this server, and is signed in to with that only.")
        raise ProviderRefused("local_password", sentence % {"name": known.username})
    if attempt.confirming and identity is not None:
        account: Account = identity.account
        with transaction.atomic():
            check_enabled(provider)
    else:
        account = settle(provider, found.person, actor=attempt.actor)
    attempt.way, attempt.reason, attempt.sentence = way_of(provider, found.person, Method.LDAP), "", ""
    return account


def _not_asked(refused: ProviderSilent) -> str:
    if isinstance(refused, ProviderBusy):
        return _("%(name)s was not asked: others wait already. Try again in a moment.")
    return _("%(name)s does not answer. Try again later.")


def _note(attempt: Attempt, provider: Provider, refused: ProviderRefused, *, decides: bool = True) -> None:
    """For the audit log: what each directory said, and what it came to."""
    attempt.details.setdefault("asked", []).append({"provider": provider.name, "reason": refused.reason})
    if decides:
        attempt.reason = refused.reason
        attempt.details |= {"provider": provider.name, "sentence": str(refused)}


def _tell_passed_over(providers: list[tuple[Provider, ProviderRefused]], actor: Actor) -> None:
    """Somebody signed in by another directory; that one before it could not be asked is news for administrators."""
    for provider, refused in providers:
        how = {"reason": refused.reason, "sentence": str(refused)}
        record(PASSED_OVER, actor=actor, target=provider, outcome=Outcome.FAILED, **how)
