"""Reads what is needed to start from the environment, with a sentence for everything that is wrong.

Twelve-factor configuration (https://12factor.net/config): ``agora/settings.py`` is the only one who reads. What a
host name looks like is asked by others as well.
"""

import hashlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"", "0", "false", "no", "off"}
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123, 2.1
NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")

LONGEST_SOCKET = 107  # bytes: sun_path of unix(7) with its closing zero

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def text(name: str, default: str = "") -> str:
    """The variable's text without surrounding space, or the default when it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    """A switch: 1/true/yes/on or 0/false/no/off."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}. Set it to on or off.")


def number(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number within the given bounds, both included."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdecimal() or not least <= int(value) <= most:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to a whole number from {least} to {most}.")
    return int(value)


def folder(name: str, default: Path) -> Path:
    """An absolute path; relative paths start at the current folder."""
    return Path(text(name, str(default))).expanduser().resolve()


def networks(name: str) -> list[Network]:
    """Comma-separated addresses or CIDR networks, such as ``127.0.0.1, 10.0.0.0/8``."""
    result = []
    for part in filter(None, (piece.strip() for piece in text(name).split(","))):
        try:
            result.append(ipaddress.ip_network(part, strict=False))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} contains {part!r}, which is neither an address nor a network such as 10.0.0.0/8."
            ) from error
    return result


def hostname(name: str, default: str) -> str:
    """A public name as ``host`` or ``host:port`` (RFC 3986, section 3.2), in lower case."""
    value = text(name, default).lower()
    if not is_host(value):
        raise ImproperlyConfigured(
            f"{name} is {value!r}. Set it to a host name with or without a port: agora.example.com."
        )
    return value


def listening_host(name: str) -> str:
    """The address it listens on as browsers write it: an IPv6 one in brackets."""
    value = text(name, "127.0.0.1").lower()
    return f"[{value}]" if ":" in value and not value.startswith("[") else value


def is_host(value: str) -> bool:
    """Is it ``host`` or ``host:port`` in lower case? The host is a name, an IPv4 address or an IPv6 one in brackets.

    0.0.0.0 is none: nobody can be reached there.
    """
    parts = HOST_AND_PORT.fullmatch(value)
    if parts is None or not 0 < int(parts["port"] or 80) < 65536:
        return False
    host = parts["host"]
    try:
        if host.startswith("["):
            return not ipaddress.IPv6Address(host[1:-1]).is_unspecified
        if NUMBER.fullmatch(host.rpartition(".")[2]):  # browsers take it for an address (WHATWG URL, 3.5)
            return not ipaddress.IPv4Address(host).is_unspecified
        return NAME.fullmatch(host) is not None and all(map(_is_readable, host.split(".")))
    except ValueError:
        return False


def _is_readable(label: str) -> bool:
    """Where a part of a name stands for other letters, does it (RFC 5890, 2.3.2.1)? Raises ValueError or says no."""
    if not label.startswith("xn--"):
        return True
    letters = label[4:].encode().decode("punycode")
    return letters.isprintable() and not letters.isascii() and letters.encode("punycode").decode() == label[4:]


def without_port(value: str) -> str:
    """The host of ``host:port``; an IPv6 address keeps its brackets. Empty for what is neither."""
    parts = HOST_AND_PORT.fullmatch(value)
    return parts["host"] if parts else ""


def url(name: str, *, schemes: Sequence[str], default: str = "") -> str:
    """An address with one of these schemes, empty when not set. Errors do not repeat it: it may hold a password."""
    value = text(name, default)
    if value and urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with one of {', '.join(s + '://' for s in schemes)}")
    return value


class Relay(NamedTuple):
    """A mail relay that the operator names; ``encryption`` is "none", "starttls" or "ssl"."""

    host: str
    port: int
    sender: str
    username: str
    password: str
    encryption: str


RELAYS = {"smtp": ("none", 25), "smtp+tls": ("starttls", 587), "smtps": ("ssl", 465)}


def relay(name: str) -> Relay | None:
    """``smtp+tls://user:password@host:587?from=agora@example.com``; None when not set. Errors don't repeat it."""
    value = url(name, schemes=tuple(RELAYS))
    if not value:
        return None
    parts = urlsplit(value)
    encryption, usual_port = RELAYS[parts.scheme]
    try:
        port = parts.port or usual_port
    except ValueError:
        port = 0
    (sender,) = parse_qs(parts.query).get("from", [""])[:1]
    if not parts.hostname or not port or not re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", sender):
        raise ImproperlyConfigured(
            f"{name} needs a host and a sender: smtp+tls://user:password@relay.example.com:587?from=agora@example.com"
        )
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Relay(parts.hostname, port, sender, username, password, encryption)


def socket_path(folder: Path, name: str) -> Path:
    """Where a Unix socket of this data folder stands: in it, or in the temporary folder when its path is too long."""
    path = folder / name
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"agora-{os.getuid()}-{mark}" / name


def secret(name: str, file: Path, *, debug: bool) -> str:
    """A secret from the environment, else from its file in the data folder.

    Raises ImproperlyConfigured when there is neither and ``debug`` is off: a secret that differs between two processes
    or two starts would silently sign everybody out and make stored secrets unreadable.
    """
    value = text(name)
    if value:
        return value
    try:
        value = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        value = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{file} can't be read: {error}. Mend it, or set {name}.") from error
    if value:
        return value
    if debug:
        return Fernet.generate_key().decode()
    raise ImproperlyConfigured(
        f"There is no {file.name}: set {name} in the environment, or start the server with `make run`, "
        f"which makes {file} once."
    )


def fernet_key(name: str, value: str) -> str:
    """The same value, checked to be a Fernet key (32 bytes, URL-safe base64)."""
    try:
        Fernet(value)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is not a Fernet key. Make one with: "
            'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
        ) from error
    return value
