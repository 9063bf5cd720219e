"""Asking providers over HTTP: what is down, slow, large or elsewhere never holds anything up."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sso import fetch as fetching
from sso.fetch import NoAnswer, fetch
from tests.services.certificates import Authority

Talk = Callable[[socket.socket], None]
Listen = Callable[[Talk], str]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """``listen(talk)`` is the address of a server that does ``talk`` with each connection."""
    servers: list[socket.socket] = []
    over = threading.Event()

    def start(talk: Talk) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65_536)
                        talk(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/x"

    yield start
    over.set()
    for server in servers:
        server.close()


def answering(head: str, body: bytes = b"") -> Talk:
    return lambda connection: connection.sendall(f"HTTP/1.1 {head}\r\n\r\n".encode() + body)


def dripping(first: bytes) -> Talk:
    slowly = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(b"x")
            slowly.wait(0.1)

    return drip


def test_what_is_sent_comes_back_with_its_status(listen: Listen) -> None:
    url = listen(answering("404 Not Found\r\nContent-Length: 8\r\nContent-Type: text/x", b'{"a": 1}'))
    answer = fetch(url)
    assert (answer.status, answer.content_type, answer.json()) == (404, "text/x", {"a": 1})


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_who_drips_is_hung_up_on_in_time(listen: Listen, first: bytes) -> None:
    url = listen(dripping(first))
    with pytest.raises(NoAnswer, match=r"did not answer within 1 seconds") as refused:
        fetch(url, total=1.0)
    assert refused.value.code == "timeout"


def test_who_says_nothing_is_hung_up_on_in_time(listen: Listen) -> None:
    with pytest.raises(NoAnswer) as refused:
        fetch(listen(lambda connection: connection.recv(1) and None), total=0.5)
    assert refused.value.code == "timeout"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoAnswer, match=rf"127.0.0.1:{port} can't be reached: Connection refused\.") as refused:
        fetch(f"http://127.0.0.1:{port}/")
    assert refused.value.code == "unreachable"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("200 OK\r\nContent-Length: 100", b"short"),
        ("200 OK\r\nTransfer-Encoding: chunked", b"zz\r\nhello"),
        ("200 OK\r\nTransfer-Encoding: chunked", b"5\r\nhel"),
    ],
)
def test_who_hangs_up_in_the_middle_is_said_so(listen: Listen, head: str, body: bytes) -> None:
    with pytest.raises(NoAnswer, match=r"broke off in the middle of its answer\.") as refused:
        fetch(listen(answering(head, body)))
    assert refused.value.code == "broken_off"


def test_a_redirect_is_named_and_not_followed(listen: Listen) -> None:
    url = listen(answering("302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0"))
    with pytest.raises(NoAnswer, match=r"sends on to http://127\.0\.0\.1:1/elsewhere\.") as refused:
        fetch(url)
    assert refused.value.code == "redirect"


def test_too_much_is_not_read_to_its_end(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 1_000_000)
    with pytest.raises(NoAnswer) as refused:
        fetch(listen(answering("200 OK", b"x" * 1_100_000)))
    assert refused.value.code == "too_large"


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"[" * 100_000, b""])
def test_what_is_no_object_is_said_so(listen: Listen, body: bytes) -> None:
    answer = fetch(listen(answering(f"200 OK\r\nContent-Length: {len(body)}", body)))
    with pytest.raises(NoAnswer, match="something else than JSON"):
        answer.json()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x", "nonsense", ""])
def test_only_addresses_of_the_web_are_asked(url: str) -> None:
    with pytest.raises(NoAnswer, match="no address of the web"):
        fetch(url)


def test_a_certificate_that_nobody_trusts(listen: Listen, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Authority(tmp_path).issue("provider.example.com"))
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _address = server.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    with server, pytest.raises(NoAnswer, match=r"certificate of .* is not valid") as refused:
        fetch(f"https://127.0.0.1:{server.getsockname()[1]}/")
    assert refused.value.code == "certificate"
