"""Every change to accounts, by noun."""

from accounts.services import accounts, exports, locks, passkeys, passwords, second_factor, sign_in, throttle

__all__ = ["accounts", "exports", "locks", "passkeys", "passwords", "second_factor", "sign_in", "throttle"]
