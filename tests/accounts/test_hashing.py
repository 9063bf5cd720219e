"""The password hash of the real server; the other tests hash with less work (tests/hashing.py)."""

from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.test import override_settings

from agora.settings import PASSWORD_HASHERS
from tests.conftest import PASSWORD


@override_settings(PASSWORD_HASHERS=PASSWORD_HASHERS)
def test_passwords_are_hashed_as_owasp_asks_at_least() -> None:
    """Argon2id with 19 MiB, 2 passes and 1 lane (OWASP Password Storage Cheat Sheet)."""
    encoded = make_password(PASSWORD)
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password(PASSWORD, encoded) and not check_password(PASSWORD.upper(), encoded)
    assert not identify_hasher(encoded).must_update(encoded)
