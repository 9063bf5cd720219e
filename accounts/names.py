"""What usernames and names may contain: anything people write, nothing that hides."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from agora.base.models import fold

KEY_LENGTH = 300
# Control, format (direction overrides, zero width), private, surrogate and unassigned characters can't be seen, so two
# names that differ only in them look alike (Unicode TR 36). Letters of any script and combining marks are fine.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def _first_unseen(text: str) -> str:
    return next((char for char in text if unicodedata.category(char) in UNSEEN), "")


def validate_name(text: str) -> None:
    """Raises ValidationError for characters that can't be seen."""
    if char := _first_unseen(text):
        raise ValidationError(
            _("The character U+%(code)s can't be seen. Remove it."), code="unseen", params={"code": f"{ord(char):04X}"}
        )


def readable(text: str) -> str:
    """What a machine said, with a sign in place of each character that can't be seen: it is shown, not refused."""
    return "".join("\ufffd" if unicodedata.category(char) in UNSEEN else char for char in text)


def validate_username(text: str) -> None:
    """As a name, and without white space; that can't be told from the end of the name."""
    validate_name(text)
    if any(char.isspace() for char in text):
        raise ValidationError(_("A username has no spaces. Remove them."), code="space")
    if len(fold(text)) > KEY_LENGTH:
        raise ValidationError(
            _("This username is too long once its ligatures are written out. Shorten it."), code="long"
        )
    if not any(char.isalnum() for char in text):
        raise ValidationError(_("A username needs at least one letter or digit."), code="no_letter")
