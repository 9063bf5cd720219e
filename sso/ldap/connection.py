"""How a directory is reached: the library's settings, made from a provider's row.

Every option is set on the connection, never for the process: two directories may trust two authorities.
"""

import hashlib
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any

import ldap
from django.conf import settings
from django_auth_ldap.config import (
    LDAPGroupType,
    LDAPSearch,
    LDAPSettings,
    NestedGroupOfNamesType,
    NestedGroupOfUniqueNamesType,
    PosixGroupType,
)

from sso.ldap.active_directory import ActiveDirectoryGroups
from sso.ldap.states import SAYS
from sso.models import Ldap
from sso.models.ldap import GroupType, Scope

CONNECT, ANSWER = 5, 10  # seconds; the library as it comes waits for ever
SCOPES = {
    Scope.BASE: ldap.SCOPE_BASE,
    Scope.ONE_LEVEL: ldap.SCOPE_ONELEVEL,
    Scope.SUBTREE: ldap.SCOPE_SUBTREE,
    Scope.SUBORDINATE: ldap.SCOPE_SUBORDINATE,
}
# What is asked of a person's entry; by name, for the rest (passwords, photographs) is none of our business and
# operational attributes come only by name.
SUBJECTS = ("objectGUID", "entryUUID", "nsUniqueId", "ipaUniqueID")
ATTRIBUTES = (
    "uid", "cn", "givenName", "sn", "displayName", "mail", "gidNumber", "memberOf", "primaryGroupID", "objectSid",
    *SUBJECTS, *SAYS,
)  # fmt: skip


class GroupSearch(LDAPSearch):  # type: ignore[misc]  # the library has no types
    """The library's, to whose formatting a "%" in the name of a person or group is no place to be filled in."""

    def search_with_additional_terms(self, term_dict: dict[str, str], escape: bool = True) -> Any:
        terms = {name: value.replace("%", "%%") for name, value in term_dict.items()}
        return super().search_with_additional_terms(terms, escape)

    def search_with_additional_term_string(self, filterstr: str) -> Any:
        return super().search_with_additional_term_string(filterstr.replace("%", "%%"))


class MemberOf(LDAPGroupType):  # type: ignore[misc]
    """Groups as the person's own entry lists them, kept there by the directory (memberOf)."""

    def user_groups(self, ldap_user: Any, group_search: Any) -> list[tuple[str, dict[str, list[str]]]]:
        return [(dn, {self.name_attr: [name_in(dn)]}) for dn in ldap_user.attrs.get("memberOf", [])]


GROUP_TYPES: dict[str, type[Any]] = {
    GroupType.NAMES: NestedGroupOfNamesType,
    GroupType.UNIQUE_NAMES: NestedGroupOfUniqueNamesType,
    GroupType.POSIX: PosixGroupType,
    GroupType.MEMBER_OF: MemberOf,
    GroupType.ACTIVE_DIRECTORY: ActiveDirectoryGroups,
}


def settings_of(row: Ldap) -> LDAPSettings:
    """The row as the library reads it. Nothing is cached: its cache knows people by username only, across providers."""
    made = LDAPSettings()
    made.SERVER_URI, made.START_TLS = row.url, row.use_tls and not row.implicit_tls
    made.BIND_DN, made.BIND_PASSWORD = row.admin_bind_dn, str(row.admin_bind_password)
    made.CONNECTION_OPTIONS = options(row)
    made.PERMIT_EMPTY_PASSWORD, made.CACHE_TIMEOUT = False, 0
    attribute = row.user_id_attribute
    made.USER_SEARCH = LDAPSearch(
        row.user_search_dn, SCOPES[Scope(row.user_search_scope)], f"({attribute}=%(user)s)", [attribute, *ATTRIBUTES]
    )
    made.USER_ATTRLIST = [attribute, *ATTRIBUTES]
    made.GROUP_TYPE = GROUP_TYPES[row.group_type]()
    made.GROUP_SEARCH = GroupSearch(row.group_search_dn, SCOPES[Scope(row.group_search_scope)], attrlist=["cn"])
    return made


def options(row: Ldap) -> dict[int, Any]:
    """In this order: what TLS is to be like takes effect with NEWCTX, the last."""
    found: dict[int, Any] = {
        ldap.OPT_PROTOCOL_VERSION: ldap.VERSION3,
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_NETWORK_TIMEOUT: CONNECT,
        ldap.OPT_TIMEOUT: ANSWER,
    }
    if row.use_tls:
        found |= {
            ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
            ldap.OPT_X_TLS_PROTOCOL_MIN: 0x303,  # TLS 1.2
            ldap.OPT_X_TLS_CACERTFILE: authorities(row.ca_certificate),
            ldap.OPT_X_TLS_NEWCTX: 0,
        }
    return found


def authorities(pem: str) -> str:
    """The file with these certificates, else with those that this machine trusts; the library takes only files."""
    if not pem:
        return os.fspath(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    folder: Path = settings.DATA_DIR / "sso"
    file = folder / f"{hashlib.sha256(pem.encode()).hexdigest()}.pem"
    if not file.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w") as written:
            written.write(pem + "\n")
        os.replace(made, file)  # whole or not at all, for other processes
    return str(file)


def name_in(dn: str) -> str:
    """The value of a DN's first part: "staff" of cn=staff,ou=groups,dc=example,dc=com; "" for what is no DN."""
    try:
        parts = ldap.dn.str2dn(dn)
    except ldap.DECODING_ERROR:
        return ""
    return str(parts[0][0][1]) if parts else ""


def same_dn(one: str, other: str) -> bool:
    return plain_dn(one) == plain_dn(other)


def plain_dn(dn: str) -> str:
    """The DN as it is compared: without regard to case, escapes and spaces around its parts (RFC 4518, roughly)."""
    try:
        parts = ldap.dn.str2dn(dn)
    except ldap.DECODING_ERROR:
        return dn.casefold()
    plain = [
        sorted((name.casefold(), " ".join(value.casefold().split())) for name, value, _how in part) for part in parts
    ]
    return "\n".join("+".join(f"{name}={value!r}" for name, value in part) for part in plain)
