"""What is wrong in the environment is said in a sentence that names the variable and what to set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from agora.base import env

NAME = "AGORA_TRIAL"


def flag() -> bool:
    return env.flag(NAME)


def number() -> int:
    return env.number(NAME, 4, least=1, most=64)


def networks() -> list[Any]:
    return env.networks(NAME)


def hostname() -> str:
    return env.hostname(NAME, "localhost:8000")


def relay() -> Any:
    return env.relay(NAME)


def url() -> str:
    return env.url(NAME, schemes=("postgres", "sqlite"))


@pytest.mark.parametrize(
    ("read", "value", "sentence"),
    [
        (flag, "maybe", "AGORA_TRIAL is 'maybe'. Set it to on or off."),
        (flag, "2", "AGORA_TRIAL is '2'. Set it to on or off."),
        (number, "0", "AGORA_TRIAL is '0'. Set it to a whole number from 1 to 64."),
        (number, "65", "AGORA_TRIAL is '65'. Set it to a whole number from 1 to 64."),
        (number, "-1", "AGORA_TRIAL is '-1'. Set it to a whole number from 1 to 64."),
        (number, "1.5", "AGORA_TRIAL is '1.5'. Set it to a whole number from 1 to 64."),
        (number, "٣", "AGORA_TRIAL is '٣'. Set it to a whole number from 1 to 64."),
        (networks, "10.0.0.0/8, home", "'home', which is neither an address nor a network such as 10.0.0.0/8."),
        (networks, "10.0.0.0/33", "'10.0.0.0/33', which is neither an address nor a network"),
        (hostname, "https://agora.example.com", "AGORA_TRIAL is 'https://agora.example.com'. Set it to a host name"),
        (hostname, "agora.example.com/path", "Set it to a host name with or without a port"),
        (hostname, "agora.example.com:", "Set it to a host name with or without a port"),
        (hostname, "agora.example.com:0", "Set it to a host name with or without a port"),
        (hostname, "agora.example.com:65536", "Set it to a host name with or without a port"),
        (hostname, "-agora", "Set it to a host name with or without a port"),
        (hostname, "a-.example", "Set it to a host name with or without a port"),
        (hostname, "999.1.1.1", "Set it to a host name with or without a port"),
        (hostname, "1.2.3.4.5", "Set it to a host name with or without a port"),
        (hostname, "agora.0x7f", "Set it to a host name with or without a port"),
        (hostname, "0.0.0.0:8000", "Set it to a host name with or without a port"),
        (hostname, "[::]", "Set it to a host name with or without a port"),
        (hostname, "xn--", "Set it to a host name with or without a port"),
        (hostname, "xn--a.example", "Set it to a host name with or without a port"),
        (hostname, "xn--agora-.example", "Set it to a host name with or without a port"),
        (hostname, "a..example", "Set it to a host name with or without a port"),
        (hostname, "a" * 300, "Set it to a host name with or without a port"),
        (hostname, "bücher.example", "Set it to a host name with or without a port"),
        (url, "mysql://a", "AGORA_TRIAL must start with one of postgres://, sqlite://"),
        (relay, "https://relay.example.com", "AGORA_TRIAL must start with one of smtp://, smtp+tls://, smtps://"),
        (relay, "smtp://relay.example.com", "AGORA_TRIAL needs a host and a sender"),
        (relay, "smtp://?from=agora@example.com", "AGORA_TRIAL needs a host and a sender"),
        (relay, "smtp://relay.example.com?from=agora", "AGORA_TRIAL needs a host and a sender"),
        (relay, "smtp://relay.example.com:x?from=agora@example.com", "AGORA_TRIAL needs a host and a sender"),
        (relay, "smtp://relay.example.com?from=a@b.c%0d%0aBcc:d@e.f", "AGORA_TRIAL needs a host and a sender"),
        (url, "localhost:5432", "AGORA_TRIAL must start with one of postgres://, sqlite://"),
    ],
)
def test_a_wrong_value(monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], value: str, sentence: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured) as error:
        read()
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (flag, "On", True),
        (flag, " yes ", True),
        (flag, "0", False),
        (flag, "", False),
        (number, " 64 ", 64),
        (number, "", 4),
        (hostname, "Agora.Example.com:443", "agora.example.com:443"),
        (hostname, "", "localhost:8000"),
        (hostname, "[2001:db8::7]:8443", "[2001:db8::7]:8443"),
        (hostname, "192.0.2.7:8443", "192.0.2.7:8443"),
        (hostname, "xn--bcher-kva.example", "xn--bcher-kva.example"),
        (hostname, "xn--strae-oqa.example", "xn--strae-oqa.example"),
        (hostname, "7.a--1.3com.example1", "7.a--1.3com.example1"),
        (networks, "", []),
        (url, "", ""),
        (url, "postgres://db/agora", "postgres://db/agora"),
    ],
)
def test_a_right_value(monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], value: str, result: object) -> None:
    monkeypatch.setenv(NAME, value)
    assert read() == result


def test_a_wrong_database_address_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "mysql://agora:the-password@db/agora")
    with pytest.raises(ImproperlyConfigured) as error:
        url()
    assert "the-password" not in str(error.value)


def test_networks_of_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "127.0.0.1, 10.1.2.3/8, ::1")
    assert [str(network) for network in networks()] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]


def test_a_secret_comes_from_the_environment_then_from_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret-key"
    file.write_text("from the file\n")
    assert env.secret(NAME, file, debug=False) == "from the file"
    monkeypatch.setenv(NAME, "from the environment")
    assert env.secret(NAME, file, debug=False) == "from the environment"


@pytest.mark.parametrize("content", [None, b"", b"  \n"])
def test_without_a_secret_the_server_refuses_to_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret-key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured) as error:
        env.secret(NAME, file, debug=False)
    assert f"There is no secret-key: set {NAME} in the environment, or start the server with `make run`" in str(
        error.value
    )


def test_a_secret_that_can_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "secret-key"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match=f"can't be read: .* Mend it, or set {NAME}"):
        env.secret(NAME, file, debug=False)
    file.unlink()
    file.mkdir()
    with pytest.raises(ImproperlyConfigured, match="can't be read"):
        env.secret(NAME, file, debug=True)


def test_an_encryption_key_of_the_wrong_form() -> None:
    with pytest.raises(ImproperlyConfigured, match="AGORA_TRIAL is not a Fernet key") as error:
        env.fernet_key(NAME, "my-own-words")
    assert "my-own-words" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", None),
        ("smtp://relay?from=a@b.c", env.Relay("relay", 25, "a@b.c", "", "", "none")),
        ("smtp+tls://u:p%40s@relay?from=a@b.c", env.Relay("relay", 587, "a@b.c", "u", "p@s", "starttls")),
        ("smtps://u@relay:4650?from=a@b.c", env.Relay("relay", 4650, "a@b.c", "u", "", "ssl")),
    ],
)
def test_a_relay(monkeypatch: pytest.MonkeyPatch, value: str, expected: env.Relay | None) -> None:
    monkeypatch.setenv(NAME, value)
    assert relay() == expected


def test_a_relay_that_makes_no_sense_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "smtp://agora:canary@?from=x")
    with pytest.raises(ImproperlyConfigured) as error:
        relay()
    assert "canary" not in str(error.value)


def test_a_socket_stands_in_its_folder_unless_its_path_is_too_long(tmp_path: Path) -> None:
    deep = Path("/" + "d" * 60) / ("e" * 60)
    assert env.socket_path(tmp_path, "queue.sock") == tmp_path / "queue.sock"
    short = env.socket_path(deep, "queue.sock")
    assert len(str(short)) <= 107
    assert short == env.socket_path(deep, "queue.sock") != env.socket_path(deep / "f", "queue.sock")
