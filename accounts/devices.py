"""What proves a sign-in besides the password: an authenticator app and recovery codes. Passkeys are the package's.

The app's secret is encrypted at rest; of recovery codes only keyed digests are stored.
"""

import base64
import secrets
from datetime import datetime, timedelta
from typing import Self
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from django_otp.oath import TOTP

from agora.base.models import EncryptedField

SETUP = timedelta(minutes=15)  # for scanning and typing the first code
STEP = 30  # seconds that a code is shown (RFC 6238)
DRIFT = 1  # steps that a phone's clock may be off, either way
SECRET_BYTES = 20  # RFC 4226, section 4: 160 bits
CODES = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else
LENGTH = 10  # letters of a recovery code: 49 bits


class Authenticator(Device):  # type: ignore[misc]  # django-otp has no types
    """An authenticator app (TOTP, RFC 6238); ``confirmed`` once a code of it was typed."""

    secret = EncryptedField()
    last_step = models.BigIntegerField(default=-1)  # codes of this step and earlier ones are spent
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    objects: models.Manager["Authenticator"] = models.Manager()

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")
        constraints = [
            models.UniqueConstraint(fields=["user", "confirmed"], name="authenticator_one_for_each_account"),
        ]

    @property
    def key(self) -> bytes:
        return base64.b32decode(self.secret)

    @property
    def spelled(self) -> str:
        """The secret for typing it, in groups of four."""
        return " ".join(self.secret[i : i + 4] for i in range(0, len(self.secret), 4))

    def uri(self, issuer: str) -> str:
        """What the QR code says (Key Uri Format of Google Authenticator)."""
        label = quote(f"{issuer}:{self.user.username}")
        return f"otpauth://totp/{label}?{urlencode({'secret': self.secret, 'issuer': issuer}, quote_via=quote)}"

    def step_of(self, code: str, now: datetime) -> int | None:
        """The step whose code this is, if it is near enough and not spent."""
        if not (code.isascii() and code.isdecimal() and len(code) == 6):
            return None
        totp = TOTP(self.key, step=STEP)
        totp.time = now.timestamp()
        return int(totp.t()) if totp.verify(int(code), tolerance=DRIFT, min_t=self.last_step + 1) else None


def new_secret() -> str:
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


class RecoveryCodeQuerySet(models.QuerySet["RecoveryCode"]):
    def left(self) -> Self:
        return self.filter(used_at__isnull=True)

    def of_account(self, account: models.Model) -> Self:
        return self.filter(account=account)


class RecoveryCode(models.Model):
    """A code for the day on which the phone is gone; good for one sign-in."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    objects = RecoveryCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"{self.account} {self.used_at or '-'}"


def new_codes() -> list[str]:
    """Ten codes as people read them: k7mp2-x9qrt."""
    made = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(CODES)]
    return [f"{code[:5]}-{code[5:]}" for code in made]


def code_digest(code: str) -> str:
    """Keyed, for 49 bits could be guessed from a stolen table; the key is not in the database."""
    plain = "".join(code.lower().replace("-", "").split())
    return salted_hmac("accounts.recovery-code", plain, secret=settings.ENCRYPTION_KEY, algorithm="sha256").hexdigest()
