"""What the three groups of the settings say of a person. A rule that can't be asked is not a rule that was passed."""

from typing import TYPE_CHECKING

import ldap
from django.utils.translation import gettext as _

from sso.claims import ProviderRefused
from sso.ldap.active_directory import is_primary
from sso.ldap.connection import same_dn
from sso.models.ldap import GroupType

if TYPE_CHECKING:
    from sso.ldap.directory import DirectoryUser


class Broken(ProviderRefused):
    """What the provider's settings say is not so in the directory: nothing was learned about the person."""


def is_member(user: "DirectoryUser", group: str, name: str) -> bool:
    """Is the person in the Require Group or the Superuser Group, whose ``name`` is that of the field?

    Raises Broken (require_group_missing, superuser_group_unreadable …): that a group was renamed, or who is in it was
    hidden, says nothing about people.
    """
    if user.is_in(group):
        return True
    _check_exists(user, group, name)
    _check_readable(user, group, name)
    return False


def is_denied(user: "DirectoryUser", group: str) -> bool:
    """Is the person in the Deny Group, by any of the ways in which directories say so, whatever kind is set?

    Raises Broken (deny_group_missing, deny_group_unreadable).
    """
    if user.is_in(group) or any(same_dn(dn, group) for dn in user.values("memberOf")):
        return True
    _check_exists(user, group, "deny_group")
    # Broader than what makes a member of the other two: a second uid may keep somebody out, but make no superuser.
    names = user.values("uid") + user.values(user.backend.row.user_id_attribute)
    told = [("member", user.dn), ("uniqueMember", user.dn), *(("memberUid", name) for name in names)]
    if is_primary(user, group) or any(_lists(user, group, attribute, value) for attribute, value in told):
        return True
    _check_readable(user, group, "deny_group")
    return False


def _check_exists(user: "DirectoryUser", group: str, name: str) -> None:
    if not user.exists(group):
        sentence = _("The directory has no group %(dn)s, or the Admin Bind DN may not see it.")
        raise Broken(f"{name}_missing", sentence % {"dn": group})


def _check_readable(user: "DirectoryUser", group: str, name: str) -> None:
    if user.backend.row.group_type == GroupType.MEMBER_OF and not _membership_is_readable(user):
        sentence = _("The Admin Bind DN can't read memberOf: nobody knows who is in %(dn)s. Let it read memberOf.")
        raise Broken(f"{name}_unreadable", sentence % {"dn": group})


def _lists(user: "DirectoryUser", group: str, attribute: str, value: str) -> bool:
    """What we may not ask besides the kind that is set is no reason to let nobody in."""
    try:
        return user.compares(group, attribute, value)
    except ldap.INSUFFICIENT_ACCESS:
        return False


def _membership_is_readable(user: "DirectoryUser") -> bool:
    """Does this person, or anybody, show us their groups? Many people have none, and that looks the same."""
    if user.values("memberOf"):
        return True
    base = user.backend.row.user_search_dn
    try:
        return bool(user.connection.search_ext_s(base, ldap.SCOPE_SUBTREE, "(memberOf=*)", ["1.1"], sizelimit=1))
    except ldap.SIZELIMIT_EXCEEDED:
        return True  # several do
