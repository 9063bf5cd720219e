"""What Active Directory has of its own: groups within groups are one question, and everybody has a primary group.

The primary group, mostly "Domain Users", is named by no ``member`` and no ``memberOf``. The person's entry has only its
number, which is the end of the group's objectSid (MS-DTYP 2.4.2).
"""

from types import SimpleNamespace
from typing import Any

import ldap
from django_auth_ldap.config import NestedActiveDirectoryGroupType
from ldap.filter import escape_filter_chars

Groups = list[tuple[str, dict[str, list[Any]]]]
IN_CHAIN = "1.2.840.113556.1.4.1941"  # MS-ADTS 3.1.1.3.4.4.3
NUMBER = 4  # octets at the end of a SID, the lowest first


def primary_sid(attributes: Any) -> bytes:
    """The objectSid of the primary group of who has these attributes; empty where they don't say."""
    [number, *_more], [own, *_none] = (attributes.get(name) or [""] for name in ("primaryGroupID", "objectSid"))
    domain = octets(own)[:-NUMBER]
    if not domain or not str(number).isdecimal() or int(number) >= 1 << 8 * NUMBER:
        return b""
    return domain + int(number).to_bytes(NUMBER, "little")


def octets(value: bytes | str) -> bytes:
    """The library makes text of what happens to be UTF-8."""
    return value if isinstance(value, bytes) else value.encode()


def is_primary(user: Any, group: str) -> bool:
    """Is this the person's primary group?"""
    sid = primary_sid(user.attrs)
    if not sid:
        return False
    try:
        found = user.connection.search_s(group, ldap.SCOPE_BASE, attrlist=["objectSid"])
    except ldap.NO_SUCH_OBJECT:
        return False
    return any(sid in attributes.get("objectSid", []) for _dn, attributes in found)


def is_in_chain(user: Any, group: str) -> bool:
    """Is the person in the group, or in one that is in it, wherever those are (LDAP_MATCHING_RULE_IN_CHAIN)?"""
    asked = f"(member:{IN_CHAIN}:={escape_filter_chars(user.dn)})"
    try:
        return bool(user.connection.search_s(group, ldap.SCOPE_BASE, asked, ["1.1"]))
    except (ldap.NO_SUCH_OBJECT, ldap.INAPPROPRIATE_MATCHING):
        return False


class ActiveDirectoryGroups(NestedActiveDirectoryGroupType):  # type: ignore[misc]  # the library has no types
    """The library's, with the primary group and those that it is in."""

    def user_groups(self, ldap_user: Any, group_search: Any) -> Groups:
        found: Groups = list(super().user_groups(ldap_user, group_search))
        if sid := primary_sid(ldap_user.attrs):
            search = group_search.search_with_additional_term_string(f"(objectSid={_escaped(sid)})")
            for dn, attributes in search.execute(ldap_user.connection):
                around = SimpleNamespace(dn=dn, connection=ldap_user.connection)
                found += [(dn, attributes), *super().user_groups(around, group_search)]
        return found


def _escaped(value: bytes) -> str:
    """As a filter takes octets (RFC 4515, 3)."""
    return "".join(f"\\{octet:02x}" for octet in value)
