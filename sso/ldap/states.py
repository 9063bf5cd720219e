"""Did a directory's own administrators stop an account, or did its time run out? As the common servers say it."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.utils.translation import gettext as _

DISABLED, LOCKED = 0x2, 0x10  # ACCOUNTDISABLE and LOCKOUT (MS-ADTS 2.2.16)
NEVER = (0, 2**63 - 1)  # of accountExpires (MS-ADA1 2.1)
TICKS = 10_000_000  # a second
FROM_1601_TO_1970 = 11_644_473_600  # seconds


def why_disabled(value: Callable[[str], str]) -> str:
    """The sentence for administrators; "" for one that nobody stopped. ``value``: of an attribute, "" if none."""
    for name, is_off in SAYS.items():
        if (said := value(name)) and is_off(said):
            return _("The account is disabled in the directory (%(name)s).") % {"name": name}
    return ""


def _true(value: str) -> bool:
    return value.upper() == "TRUE"


def _flag(bit: int) -> Callable[[str], bool]:
    return lambda value: value.isdecimal() and bool(int(value) & bit)


def _locked(value: str) -> bool:
    """ "000001010000Z" stands for: until an administrator unlocks it (draft-behera-ldap-password-policy, 5.3.3)."""
    return value.startswith("00000101")


def _expired(value: str) -> bool:
    """Days since 1970; -1 stands for never (RFC 2307, shadow(5))."""
    days = int(value) if value.removeprefix("-").isdecimal() else -1
    return 0 <= days < (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days


def _is_over(value: str) -> bool:
    """Tenths of a microsecond since 1601."""
    ticks = int(value) if value.isdecimal() else 0
    return ticks not in NEVER and ticks / TICKS - FROM_1601_TO_1970 <= datetime.now(UTC).timestamp()


SAYS: dict[str, Callable[[str], bool]] = {
    "msDS-UserAccountDisabled": _true,
    "nsAccountLock": _true,
    "loginDisabled": _true,
    "userAccountControl": _flag(DISABLED),
    "msDS-User-Account-Control-Computed": _flag(LOCKED),
    "accountExpires": _is_over,
    "pwdAccountLockedTime": _locked,
    "shadowExpire": _expired,
}
