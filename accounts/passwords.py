"""Password hashing and rules (OWASP Password Storage and Authentication Cheat Sheets)."""

import os
import threading
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError
from django.utils.translation import ngettext

# Each hash takes 19 MiB: this many at once a process, so that a burst of sign-ins queues instead of taking the memory.
AT_ONCE = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


class BoundedArgon2Hasher(Argon2PasswordHasher):
    """Argon2id at OWASP's minimum: 19 MiB, 2 passes, 1 lane.

    Django's defaults take 5 times the memory and 8 times as long.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with AT_ONCE:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with AT_ONCE:
            return super().verify(password, encoded)

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing: all our hashes cost the same; Django's would hash twice and so tell who has an older one."""


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    """Django's, in a sentence that fits under the field of a list's row."""

    def get_error_message(self) -> str:
        return ngettext("Use at least %(min)d character.", "Use at least %(min)d characters.", self.min_length) % {
            "min": self.min_length
        }


class MaximumLengthValidator:
    """Refuses passwords over ``max_length`` characters: hashing a megabyte would be an attack on the server."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return ngettext("Use at most %(max)d character.", "Use at most %(max)d characters.", self.max_length) % {
            "max": self.max_length
        }
