"""A directory's errors in our words: what it says of a person, and what it says of itself."""

import re

import ldap
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sso.claims import ProviderRefused, ProviderSilent
from sso.ldap.groups import Broken
from sso.models import Ldap

SILENT = (
    ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT, ldap.TIMELIMIT_EXCEEDED, ldap.UNAVAILABLE, ldap.BUSY,
)  # fmt: skip
# How directories refuse a person's own bind: 389 Directory Server and eDirectory by others than the first where the
# account is disabled, locked, or has no password at all.
OWN_BIND = (
    ldap.INVALID_CREDENTIALS, ldap.UNWILLING_TO_PERFORM, ldap.CONSTRAINT_VIOLATION, ldap.INAPPROPRIATE_AUTH,
)  # fmt: skip
# Active Directory says it in a number (MS-ERREF 2.2), to whoever knows the password; that it is locked, to anybody.
NUMBER = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]+)")
LOCKED = "775"
NUMBERS: dict[str, tuple[str, Promise]] = {
    "533": ("disabled", gettext_lazy("The account is disabled in the directory.")),
    "701": ("disabled", gettext_lazy("The account has expired in the directory.")),
    LOCKED: ("locked_there", gettext_lazy("The account is locked in the directory, mostly after wrong passwords.")),
    "532": ("password_expired", gettext_lazy("The password has expired in the directory.")),
    "773": ("password_expired", gettext_lazy("The password must be changed in the directory first.")),
    "530": ("not_now", gettext_lazy("The directory lets the account in at other hours only.")),
    "531": ("not_from_here", gettext_lazy("The directory lets the account in from other machines only.")),
}


class NotThere(ProviderRefused):
    """The directory knows nobody, or several, by this username: the next one may be asked."""


class NotEncrypted(ProviderSilent):
    """The connection could not be encrypted, or to somebody else; nothing was said on it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.reason = "tls"


class WrongPassword(ProviderRefused):
    """The next directory may be asked."""


def of_own_bind(error: ldap.LDAPError) -> ProviderRefused:
    """Why the directory did not take the person's name and password: one of OWN_BIND."""
    said = _said(error)
    if (number := NUMBER.search(said)) and number[1] in NUMBERS:
        kind = WrongPassword if number[1] == LOCKED else ProviderRefused
        return kind(*NUMBERS[number[1]])
    if isinstance(error, ldap.INVALID_CREDENTIALS):
        return WrongPassword("wrong_password", _("The directory refused the password."))
    return WrongPassword("refused_there", _("The directory lets nobody in so: %(said)s.") % {"said": said[:300]})


def refusal_of(error: ldap.LDAPError, row: Ldap) -> ProviderRefused:
    """The library's error, with the server's own words where it said any."""
    said = _said(error)
    where = {"server": row.url, "said": said[:300]}
    if row.use_tls and (isinstance(error, ldap.CONNECT_ERROR | ldap.PROTOCOL_ERROR) or _failed_in_tls(said)):
        sentence = _(
            "%(server)s: no encryption to the right server (%(said)s). Does it speak TLS on this port? "
            "Is its certificate signed by the authority that this form names, for this very name, and still valid?"
        )
        return NotEncrypted(sentence % where)
    if isinstance(error, SILENT):
        return ProviderSilent(_("%(server)s does not answer: %(said)s.") % where)
    if isinstance(error, ldap.INVALID_CREDENTIALS):
        return Broken("admin_bind", _("%(server)s refuses the Admin Bind DN or its password.") % where)
    if isinstance(error, ldap.NO_SUCH_OBJECT):
        return Broken("no_such_base", _("%(server)s has no such User Search DN or Group Search DN.") % where)
    return Broken("directory_error", _("%(server)s answered with an error: %(said)s.") % where)


def _said(error: ldap.LDAPError) -> str:
    facts = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    words = [str(facts[part]).strip(". ") for part in ("desc", "info") if facts.get(part)]
    return ", ".join(words) or type(error).__name__


def _failed_in_tls(said: str) -> bool:
    """The library says "can't contact" of an LDAPS server whose certificate it refused; TLS has no words of its own."""
    return "TLS" in said or "unknown error code" in said
