"""Every change to accounts, by noun."""

from accounts.services import accounts, exports, locks, passwords, sign_in, throttle

__all__ = ["accounts", "exports", "locks", "passwords", "sign_in", "throttle"]
