"""What a key looks like, and that nothing of it is kept."""

import pytest

from accounts.models import Account
from api_keys.models import ApiKey
from api_keys.secret_text import LENGTH, PATTERN, checksum, digest_of, is_well_formed, new_secret
from api_keys.services.keys import create_key
from tests.conftest import Make
from tests.pages import contents


def test_a_scanner_recognises_it_by_prefix_and_checksum() -> None:
    secrets = [new_secret() for _ in range(50)]
    assert len(set(secrets)) == 50
    assert all(PATTERN.fullmatch(secret) and is_well_formed(secret) for secret in secrets)
    assert len(secrets[0]) == len("agora_") + LENGTH + 6


@pytest.mark.parametrize("place", [6, 20, -1])
def test_one_wrong_letter_fails_the_checksum(place: int) -> None:
    letters = list(new_secret())
    letters[place] = "a" if letters[place] != "a" else "b"
    assert not is_well_formed("".join(letters))


def test_the_checksum_is_the_one_written_down() -> None:
    """For whoever writes a scanner: CRC-32 of all before it, to the base of 62, digits first."""
    assert checksum("agora_" + "0" * 32) == "230FBZ"


def test_no_table_holds_the_secret(make: Make, nell: Account) -> None:
    key, secret = create_key(nell, "Backup", actor=make.actor(nell))
    assert key.visible == secret[:12]
    assert ApiKey.objects.get().digest == digest_of(secret)
    assert secret[6:] not in str(contents())
