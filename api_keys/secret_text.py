"""What a key looks like: a fixed prefix, 190 random bits, a checksum; nothing of it is stored but a digest.

The prefix and the checksum let scanners recognise a key that was left in a file and be sure that it is one, as other
servers' keys can be recognised. Letting somebody in depends on the digest alone.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "agora_"
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
LENGTH = 32  # random letters, just under 6 bits each
CHECK = 6
VISIBLE = len(PREFIX) + 6  # letters that stay readable; the other 26 are still 154 random bits
PATTERN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{LENGTH + CHECK}}}")


def new_secret() -> str:
    """A new key, never to be seen again after it was shown once."""
    body = PREFIX + "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 of what stands before it, in six digits to the base of 62."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK):
        number, rest = divmod(number, len(LETTERS))
        digits = LETTERS[rest] + digits
    return digits


def is_well_formed(text: str) -> bool:
    """Prefix, length and checksum agree: for scanners and people, not for letting anybody in."""
    return bool(PATTERN.fullmatch(text)) and checksum(text[:-CHECK]) == text[-CHECK:]


def digest_of(text: str) -> str:
    """What is stored: SHA-256 suffices, for the key is random (OWASP Cryptographic Storage Cheat Sheet)."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
