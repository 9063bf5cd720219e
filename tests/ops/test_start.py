"""Starting with something wrong in the environment: one sentence, exit status 1, no traceback."""

from pathlib import Path

import pytest

from tests.ops.conftest import Run


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"AGORA_SECRET_KEY": ""}, "There is no secret-key: set AGORA_SECRET_KEY in the environment, or start"),
        ({"AGORA_ENCRYPTION_KEY": ""}, "There is no encryption-key: set AGORA_ENCRYPTION_KEY in the environment"),
        ({"AGORA_ENCRYPTION_KEY": "short"}, "AGORA_ENCRYPTION_KEY is not a Fernet key."),
        ({"AGORA_DEBUG": "perhaps"}, "AGORA_DEBUG is 'perhaps'. Set it to on or off."),
        ({"AGORA_HOSTNAME": "https://agora.example.com"}, "Set it to a host name with or without a port"),
        ({"AGORA_TRUSTED_PROXIES": "the-proxy"}, "'the-proxy', which is neither an address nor a network"),
        ({"DATABASE_URL": "mysql://db/agora"}, "DATABASE_URL must start with one of postgres://"),
        ({"REDIS_URL": "memcached://cache"}, "REDIS_URL must start with one of redis://"),
    ],
)
def test_a_sentence_and_exit_status_1(run: Run, environment: dict[str, str], sentence: str) -> None:
    ended = run("manage.py", "check", **environment)
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_two_keys_are_made_once_and_for_the_owner_only(run: Run, tmp_path: Path) -> None:
    unset = {"AGORA_SECRET_KEY": "", "AGORA_ENCRYPTION_KEY": ""}
    assert run("-m", "agora.prepare", **unset).returncode == 0
    keys = [tmp_path / "secret-key", tmp_path / "encryption-key"]
    first = [key.read_text() for key in keys]
    assert run("-m", "agora.prepare", **unset).returncode == 0
    assert [key.read_text() for key in keys] == first
    assert [oct(path.stat().st_mode & 0o777) for path in (tmp_path, *keys)] == ["0o700", "0o600", "0o600"]
    assert (tmp_path / "static" / "staticfiles.json").exists()
