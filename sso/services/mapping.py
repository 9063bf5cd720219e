"""Which account somebody is whom a provider names, and what the provider's word changes about it.

``decide`` looks and writes nothing: it answers the test as well. ``settle`` does it, in one transaction.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from accounts.names import validate_name, validate_username
from accounts.roles import Role
from accounts.services import accounts
from accounts.services.rules import LastSuperuser
from agora.base.actor import Actor
from audit.events import event
from audit.services import change, record
from sso.claims import Person, ProviderRefused
from sso.models import GroupRole, Identity, Provider

LINKED = event("identity.linked", gettext_lazy("Account linked to a provider"))
KEPT_SUPERUSER = event("identity.superuser_kept", gettext_lazy("Superuser kept, although the provider says otherwise"))
NO_SUPERUSER = event("identity.superuser_not_made", gettext_lazy("No superuser made, although the provider says so"))
LINKED_TWICE = gettext_lazy(
    "The account is linked to other providers as well, which anybody may have set up. A superuser unlinks it there, or "
    "makes it superuser on its card."
)


@dataclass(frozen=True)
class Mapping:
    """What a sign-in would do: the account it would be, how it would come to it, and its role and flag afterwards.

    ``withheld``: the flag that the provider gives is not.
    """

    account: Account | None
    identity: Identity | None
    username: str
    role: str
    superuser: bool
    withheld: bool = False

    @property
    def how(self) -> str:
        """ "known", "link" or "create"."""
        return "known" if self.identity else "link" if self.account else "create"

    @property
    def sentence(self) -> str:
        says = {
            "known": _("Would sign in as %(name)s."),
            "link": _("Would be linked to the existing account %(name)s and sign in as it."),
            "create": _("Would create the account %(name)s and sign in as it."),
        }[self.how]
        role = _("Superuser") if self.superuser else str(Role(self.role).label)
        lines = [says % {"name": self.username}, _("Role: %(role)s.") % {"role": role}]
        if self.withheld:
            lines.append(_("No superuser, although the provider says so. %(why)s") % {"why": LINKED_TWICE})
        return " ".join(lines)


def decide(provider: Provider, person: Person, *, group_roles: list[GroupRole] | None = None) -> Mapping:
    """The account that this person is, or would become. ``group_roles``: of a form that is not saved.

    Raises ProviderRefused (no_subject, no_username, username_not_usable, username_taken, linked_elsewhere,
    superuser_not_linked, not_created, account_locked, account_inactive, too_many_groups).
    """
    if not person.subject or len(person.subject) > 255 or "\0" in person.subject:
        raise ProviderRefused("no_subject", _("The provider names nobody that we could recognise again."))
    identity = None
    if provider.pk is not None:
        rows = Identity.objects.of_provider(provider.pk).select_related("account")
        identity = rows.filter(subject=person.subject).first()
    account = identity.account if identity else _linkable(provider, person)
    if account is not None and not account.is_usable:
        locked = account.is_locked
        raise ProviderRefused(
            "account_locked" if locked else "account_inactive",
            (_("The account %(name)s is locked.") if locked else _("The account %(name)s is inactive."))
            % {"name": account.username},
        )
    if account is None:
        _check_creatable(provider, person)
    superuser = account.is_superuser if account is not None else False
    # Who controls another provider that knows the account would become a superuser with it.
    withheld = bool(person.superuser) and not superuser and _is_known_elsewhere(account, provider)
    if person.superuser is not None:
        superuser = person.superuser and not withheld
    # The role of a superuser came with the flag and goes with it.
    loses_flag = account is not None and account.is_superuser and not superuser
    role = role_of(provider, person, None if loses_flag else account, group_roles)
    username = account.username if account is not None else person.username
    return Mapping(account, identity, username, Role.ADMINISTRATOR if superuser else role, superuser, withheld)


def role_of(
    provider: Provider, person: Person, account: Account | None, group_roles: list[GroupRole] | None = None
) -> str:
    """The role of the first group that fits, or that of a new account; where no group is mapped, the present one.

    Raises ProviderRefused (too_many_groups): nobody knows whether one fits.
    """
    rows = group_roles
    if rows is None:
        rows = list(GroupRole.objects.filter(provider=provider)) if provider.pk is not None else []
    if rows and person.groups_withheld:
        sentence = _("The provider does not name the person's groups, for there are too many. Let it send fewer.")
        raise ProviderRefused("too_many_groups", sentence)
    for row in rows:
        if row.fits(person.groups):
            return row.role
    if rows or account is None:
        return provider.new_account_role
    return account.role


def settle(provider: Provider, person: Person, *, actor: Actor) -> Account:
    """The account of this person, made, linked and brought up to date as the provider allows.

    Raises ProviderRefused as ``decide``, and where the provider was disabled or deleted meanwhile (disabled).
    """
    actor = replace(actor, account=None, impersonator=None, name=provider.name)
    with transaction.atomic():
        check_enabled(provider)
        wanted = decide(provider, person)
        account = wanted.account or _create(wanted, person, actor)
        if wanted.identity is None:
            write_link(provider, person, account, actor=actor)
        account = _refresh(account, person, actor)
        account = _give_role(account, wanted, actor)
        Identity.objects.of_provider(provider.pk).filter(subject=person.subject).update(
            last_sign_in_at=actor.at, username=person.username[:255]
        )
    return account


def check_enabled(provider: Provider) -> None:
    """Within a transaction, until whose end nobody disables or deletes the provider. Raises ProviderRefused."""
    rows = Provider.objects.enabled().select_for_update(no_key=True)  # links to it may be written by others
    if not rows.filter(pk=provider.pk).exists():
        raise ProviderRefused("disabled", _("The provider was disabled or deleted meanwhile."))


def _is_known_elsewhere(account: Account | None, provider: Provider) -> bool:
    return account is not None and Identity.objects.of_account(account.pk).exclude(provider=provider.pk).exists()


def _linkable(provider: Provider, person: Person) -> Account | None:
    """An existing account that would be taken for this person by its username; None where there is none."""
    if not person.username or "\0" in person.username:
        raise ProviderRefused("no_username", _("The provider names no username."))
    account: Account | None = Account.objects.named(person.username).first()
    if account is None:
        return None
    name = {"name": account.username}
    if not provider.link_by_username:
        raise ProviderRefused(
            "username_taken",
            _("The account %(name)s exists and is not linked to this provider. Administrators link it on its card.")
            % name,
        )
    if provider.pk is not None and Identity.objects.of_provider(provider.pk).filter(account=account).exists():
        raise ProviderRefused(
            "linked_elsewhere", _("The account %(name)s is linked to somebody else of this provider.") % name
        )
    if account.is_superuser:
        raise ProviderRefused(
            "superuser_not_linked", _("%(name)s is a superuser: linked only by a superuser, on its card.") % name
        )
    return account


def _check_creatable(provider: Provider, person: Person) -> None:
    if not provider.create_accounts:
        raise ProviderRefused("not_created", _("Nobody here is linked to this person, and accounts are not created."))
    try:
        validate_username(person.username)
    except ValidationError as error:
        raise ProviderRefused("username_not_usable", " ".join(error.messages)) from error
    if len(person.username) > 150:
        raise ProviderRefused("username_not_usable", _("The username is longer than 150 characters."))


def _create(wanted: Mapping, person: Person, actor: Actor) -> Account:
    try:
        return accounts.create_account(person.username, role=wanted.role, actor=actor)
    except ValidationError as error:  # somebody else was first
        raise ProviderRefused("username_taken", " ".join(error.messages)) from error


def write_link(provider: Provider, person: Person, account: Account, *, actor: Actor) -> None:
    with change(LINKED, actor=actor, target=account, provider=provider.name, subject=person.subject):
        try:
            with transaction.atomic():
                Identity.objects.create(
                    provider=provider,
                    subject=person.subject,
                    username=person.username[:255],
                    account=account,
                    created_at=actor.at,
                )
        except IntegrityError as error:  # somebody else was first
            raise ProviderRefused(
                "linked_elsewhere", _("The account %(name)s was linked meanwhile.") % {"name": account.username}
            ) from error


def _refresh(account: Account, person: Person, actor: Actor) -> Account:
    """Names and address as the provider says them; what it says nothing about, or nothing usable, stays."""
    values: dict[str, Any] = {}
    for name, validate in (("first_name", validate_name), ("last_name", validate_name), ("email", validate_email)):
        value = str(getattr(person, name)).strip()
        longest = 254 if name == "email" else 150
        try:
            validate(value)
        except ValidationError:
            continue
        if value and len(value) <= longest:
            values[name] = value
    return accounts.change_profile(account, values, actor=actor) if values else account


def _give_role(account: Account, wanted: Mapping, actor: Actor) -> Account:
    if wanted.withheld:
        record(NO_SUPERUSER, actor=actor, target=account, reason=str(LINKED_TWICE))
    try:
        return accounts.change_role(account, wanted.role, superuser=wanted.superuser, actor=actor)
    except LastSuperuser as refusal:
        record(KEPT_SUPERUSER, actor=actor, target=account, reason=str(refusal))
        return account
