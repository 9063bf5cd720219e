"""One directory and one person in it: found by a username, checked with a password, judged by groups.

The conversation is django-auth-ldap's; what it swallows is raised here, and it touches no table of ours.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import ldap
from django.utils.translation import gettext as _
from django_auth_ldap.backend import LDAPBackend, _LDAPUser, ldap_error

from agora.base.models import fold
from sso import limits
from sso.claims import Person, ProviderRefused
from sso.ldap.active_directory import is_in_chain, is_primary, octets
from sso.ldap.connection import SUBJECTS, name_in, same_dn, settings_of
from sso.ldap.groups import Broken, is_denied, is_member
from sso.ldap.refusals import OWN_BIND, SILENT, NotThere, WrongPassword, of_own_bind, refusal_of
from sso.ldap.states import why_disabled
from sso.models import Ldap
from sso.models.ldap import GroupType


@dataclass(frozen=True)
class Judgement:
    """What the three groups say; None where no such group is set."""

    required: bool | None = None
    denied: bool | None = None
    superuser: bool | None = None


@dataclass(frozen=True)
class Found:
    person: Person
    dn: str
    judgement: Judgement
    disabled: str = ""  # why, for administrators

    def check(self) -> None:
        """May this person come in? Raises ProviderRefused (disabled, deny_group, require_group). Deny wins."""
        if self.disabled:
            raise ProviderRefused("disabled", self.disabled)
        if self.judgement.denied:
            raise ProviderRefused("deny_group", _("%(dn)s is in the Deny Group.") % {"dn": self.dn})
        if self.judgement.required is False:
            raise ProviderRefused("require_group", _("%(dn)s is not in the Require Group.") % {"dn": self.dn})


class Directory(LDAPBackend):  # type: ignore[misc]  # the library has no types
    """The library's backend with the settings of one row; ``knows``: it took the password in ``sign_in``."""

    def __init__(self, row: Ldap) -> None:
        self.row, self.knows = row, False
        self.settings = settings_of(row)

    # --- For others, each a conversation with a deadline ------------------------------------------------------------

    def sign_in(self, username: str, password: str) -> Found:
        """Who has this username and password. Raises NotThere, WrongPassword, ProviderRefused, ProviderSilent.

        An empty password would be an anonymous bind, which succeeds (RFC 4513, 5.1.2).
        """
        if not password or not _is_text(password):
            raise WrongPassword("wrong_password", _("The password is empty or no text."))

        def conversation() -> Found:
            user = self.user(username)
            user.bind(password)
            self.knows = True
            return self.judge(user)

        found: Found = limits.ask(self.row.url, self.told(conversation))
        return found

    def look_up(self, username: str, *, paused: bool = True) -> Found:
        """Who has this username, without a password. Raises NotThere, ProviderRefused, ProviderSilent."""
        found: Found = limits.ask(self.row.url, self.told(lambda: self.judge(self.user(username))), paused=paused)
        return found

    # --- Parts of a conversation ------------------------------------------------------------------------------------

    def told(self, conversation: Any) -> Any:
        """The conversation, with the library's errors in our words, and its connection closed afterwards."""

        def talk() -> Any:
            self.users: list[DirectoryUser] = []
            self.check_secret()
            try:
                return conversation()
            except ldap.LDAPError as error:
                raise refusal_of(error, self.row) from error
            finally:
                for user in self.users:
                    user.close()

        return talk

    def check_secret(self) -> None:
        """A name without its password would be nobody, whom directories show less (RFC 4513, 5.1.2). Raises Broken."""
        if self.row.admin_bind_dn and not self.row.admin_bind_password:
            sentence = _("The Admin Bind Password can't be read with this server's encryption key. Type it again.")
            raise Broken("unreadable_secret", sentence)

    def user(self, username: str) -> "DirectoryUser":
        """The one entry with this username. Raises NotThere."""
        if not _is_text(username):
            raise NotThere("unknown_username", _("This is no username."))
        user = DirectoryUser(self, username=username.strip())
        self.users.append(user)
        if user.dn is None or user.attrs is None:
            raise NotThere("unknown_username", _("The directory has nobody, or several, with this username."))
        attribute = self.row.user_id_attribute
        if not user.values(attribute):
            sentence = _("The Admin Bind DN can't read %(attribute)s, the User ID Attribute. Let it read that.")
            raise Broken("no_username", sentence % {"attribute": attribute})
        if not user.username:
            # Directories find "jane  doe", spaces and all, for "jane doe"; whoever counts guesses here does not.
            raise NotThere("unknown_username", _("The directory spells this username in another way."))
        return user

    def nobody(self) -> "DirectoryUser":
        """A connection to look around on."""
        user = DirectoryUser(self, username="")
        self.users.append(user)
        return user

    def judge(self, user: "DirectoryUser") -> Found:
        """Everything that the directory says of the person."""
        row = self.row
        required = is_member(user, row.require_group, "require_group") if row.require_group else None
        superuser = is_member(user, row.superuser_group, "superuser_group") if row.superuser_group else None
        denied = is_denied(user, row.deny_group) if row.deny_group else None
        person = user.person(superuser)
        return Found(person, user.dn, Judgement(required, denied, superuser), user.disabled())


class DirectoryUser(_LDAPUser):  # type: ignore[misc]
    """The library's idea of a person, who raises what went wrong."""

    backend: Directory

    def bind(self, password: str) -> None:
        try:
            self._bind_as(self.dn, password)
        except OWN_BIND as error:
            raise of_own_bind(error) from error

    def greet(self) -> None:
        """Connect and ask what every directory is asked first, as nobody yet; any answer will do (RFC 4512, 5.1)."""
        connection = self._get_connection()
        try:
            connection.search_s("", ldap.SCOPE_BASE, attrlist=["1.1"])
        except SILENT:
            raise
        except ldap.LDAPError:
            return

    def close(self) -> None:
        if self._connection is not None:
            try:
                self._connection.unbind_s()
            except ldap.LDAPError:
                return

    def values(self, name: str) -> list[str]:
        return [_readable(value) for value in (self.attrs or {}).get(name, [])]

    def value(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    @property
    def groups(self) -> list[tuple[str, str]]:
        """(DN, name) of every group that the search finds."""
        row = self.backend.row
        if row.group_type != GroupType.MEMBER_OF and not row.group_search_dn:
            return []
        infos = self._get_groups()._get_group_infos()
        return [(dn, str(attrs.get("cn", [name_in(dn)])[0])) for dn, attrs in infos]

    def is_in(self, group: str) -> bool:
        """Directly, wherever the group is, or by way of groups that the search finds."""
        kind = self.settings.GROUP_TYPE
        if self.backend.row.group_type in (GroupType.NAMES, GroupType.ACTIVE_DIRECTORY, GroupType.UNIQUE_NAMES):
            direct = self.compares(group, kind.member_attr, self.dn)
        else:
            direct = bool(kind.is_member(self, group))
        if self.backend.row.group_type == GroupType.ACTIVE_DIRECTORY:
            direct = direct or is_primary(self, group) or is_in_chain(self, group)
        return direct or any(same_dn(dn, group) for dn, _name in self.groups)

    def compares(self, group: str, attribute: str, value: str) -> bool:
        """Has the group this value? Not where it lacks the attribute, or the attribute can't have such a value."""
        try:
            return bool(self.connection.compare_s(group, attribute, value.encode()))
        except (ldap.NO_SUCH_OBJECT, ldap.NO_SUCH_ATTRIBUTE, ldap.UNDEFINED_TYPE, ldap.INVALID_SYNTAX):
            return False

    def exists(self, dn: str) -> bool:
        try:
            return bool(self.connection.search_s(dn, ldap.SCOPE_BASE, attrlist=["1.1"]))
        except ldap.NO_SUCH_OBJECT:
            return False

    @property
    def username(self) -> str:
        """What was typed, as the directory spells it; "" where it is another name to us."""
        typed = fold(self._username)
        return next((name for name in self.values(self.backend.row.user_id_attribute) if fold(name) == typed), "")

    def person(self, superuser: bool | None) -> Person:
        found = self.groups
        groups = [name for _dn, name in found] + [dn for dn, _name in found]
        raw = {name: self.values(name) for name in self.attrs} | {"dn": self.dn}
        return Person(
            subject=self.subject(),
            username=self.username,
            email=self.value("mail"),
            first_name=self.value("givenName"),
            last_name=self.value("sn"),
            groups=tuple(dict.fromkeys(filter(None, groups))),
            superuser=superuser,
            raw=raw,
        )

    def subject(self) -> str:
        """What never changes about an entry, not even when it is renamed or moved (RFC 4530)."""
        for name in SUBJECTS:
            for value in self.attrs.get(name, []):
                if name != "objectGUID":
                    return str(_readable(value))
                number = octets(value)
                return str(uuid.UUID(bytes_le=number)) if len(number) == 16 else number.hex()
        raise Broken(
            "no_subject", _("The directory tells neither entryUUID nor objectGUID. Let the Admin Bind DN read it.")
        )

    def disabled(self) -> str:
        """Why the directory's own administrators stopped this account; "" when they did not."""
        return why_disabled(self.value)


def _raise(exception: ldap.LDAPError, **_more: Any) -> None:
    raise exception


# The library writes a line and goes on as if nobody had been found.
ldap_error.connect(_raise, sender=Directory)


def _readable(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _is_text(typed: str) -> bool:
    """Can it be sent at all? Half a surrogate pair can't."""
    try:
        typed.encode()
    except UnicodeEncodeError:
        return False
    return True
