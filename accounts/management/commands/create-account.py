"""The command under the name that the shell types; a module's name may not hold the hyphen."""

from accounts.management.account_command import CreateAccount as Command

__all__ = ["Command"]
