"""Nothing is said in the clear unless the administrator wants it so, and nobody else is taken for the directory."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from sso.claims import ProviderRefused
from sso.ldap.connection import settings_of
from sso.ldap.directory import Directory
from sso.models import Ldap
from tests.services.certificates import Authority
from tests.services.slapd import Slapd
from tests.sso.ldap.conftest import SECRET, MakeDirectory, clinic


class Thief:
    """Stands between: passes what is said on to the real server and writes down what it hears; answers StartTLS with
    yes and goes on without encryption, or pretends that the server has never heard of it."""

    YES = bytes.fromhex("300c02010178070a010004000400")
    NO = bytes.fromhex("300c02010178070a010204000400")  # protocolError (RFC 4511, 4.14.2)

    def __init__(self, answer: bytes) -> None:
        self.answer, self.heard = answer, b""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self.server.accept()
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(5)
            self.heard += connection.recv(4096)
            connection.sendall(self.answer)
            while data := connection.recv(4096):
                self.heard += data

    def stop(self) -> None:
        self.server.close()


@pytest.fixture(params=["YES", "NO"])
def thief(request: pytest.FixtureRequest) -> Iterator[Thief]:
    made = Thief(getattr(Thief, request.param))
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("port", "tls", "url"),
    [
        (636, True, "ldaps://dc1.example.org:636"),
        (3269, True, "ldaps://dc1.example.org:3269"),
        (389, True, "ldap://dc1.example.org:389"),
        (3268, True, "ldap://dc1.example.org:3268"),
        (636, False, "ldap://dc1.example.org:636"),
    ],
)
def test_the_port_says_whether_encryption_comes_first_or_is_asked_for(port: int, tls: bool, url: str) -> None:
    made = settings_of(Ldap(server_address="dc1.example.org", port=port, use_tls=tls, user_search_dn="dc=x"))
    assert url == made.SERVER_URI
    assert made.START_TLS is (tls and url.startswith("ldap:"))


def refused(row: object) -> ProviderRefused:
    with pytest.raises(ProviderRefused) as raised:
        Directory(row).sign_in("eva", SECRET)  # type: ignore[arg-type]
    return raised.value


def test_ldaps_with_the_authority_that_was_pasted(slapd: Slapd, directory: MakeDirectory) -> None:
    row = directory().ldap
    row.port = slapd.tls_port
    # 636 is what LDAPS is told by; the test's server may not have it.
    type(row).implicit_tls, before = property(lambda self: True), type(row).implicit_tls
    try:
        assert Directory(row).sign_in("eva", SECRET).person.username == "eva"
    finally:
        type(row).implicit_tls = before


def test_start_tls_that_somebody_strips_ends_before_anything_is_said(directory: MakeDirectory, thief: Thief) -> None:
    error = refused(directory(port=thief.port).ldap)
    assert error.reason in ("tls", "unreachable")
    assert b"1.3.6.1.4.1.1466.20037" in thief.heard  # StartTLS was asked for
    assert SECRET.encode() not in thief.heard and b"cn=admin" not in thief.heard


def test_a_server_that_knows_no_tls_is_refused_before_anything_is_said(directory: MakeDirectory) -> None:
    bare = Slapd(start_tls=False)
    try:
        bare.add(clinic())
        assert refused(directory(port=bare.port).ldap).reason == "tls"
        plain = directory("plain", port=bare.port, tls="off")  # the administrator says otherwise
        assert Directory(plain.ldap).sign_in("eva", SECRET).person.username == "eva"
    finally:
        bare.stop()


def test_a_certificate_for_another_name_is_refused(directory: MakeDirectory) -> None:
    wrong = Slapd(host="other.example.org")
    try:
        wrong.add(clinic())
        row = directory(port=wrong.port, ca_certificate=wrong.authority.file.read_text()).ldap
        assert refused(row).reason == "tls"
    finally:
        wrong.stop()


def test_a_certificate_of_an_authority_that_nobody_trusts_is_refused(
    directory: MakeDirectory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("authority"), "Another Authority")
    assert refused(directory(ca_certificate=other.file.read_text()).ldap).reason == "tls"
    assert refused(directory("machine", ca_certificate="").ldap).reason == "tls"


def test_two_directories_with_two_authorities_in_one_process(directory: MakeDirectory, slapd: Slapd) -> None:
    second = Slapd()
    try:
        second.add(clinic())
        one = directory().ldap
        two = directory("second", port=second.port, ca_certificate=second.authority.file.read_text()).ldap
        for row in (one, two, one, two):
            assert Directory(row).sign_in("eva", SECRET).person.username == "eva"
        swapped = directory("swapped", port=second.port, ca_certificate=slapd.authority.file.read_text()).ldap
        assert refused(swapped).reason == "tls"
    finally:
        second.stop()
