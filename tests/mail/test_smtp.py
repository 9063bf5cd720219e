"""What is said to the mail server, byte by byte."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from mail.smtp import Connection, Encryption, Rejected, Server
from tests.mail.conftest import Host

SENDER = "agora@example.com"


def connected(port: int) -> Connection:
    made = Connection(Server("127.0.0.1", port, SENDER, encryption=Encryption.NONE, timeout=5), name="localhost")
    made.open()
    return made


@pytest.mark.parametrize("pipelining", [True, False], ids=["at once", "one by one"])
@pytest.mark.parametrize(
    "body", ["one line", ".\r\nbehind the dot", "..two\r\n.", "", "with end\r\n", "a\r\n\r\n.\r\n\r\nb"]
)
def test_dots_and_missing_ends_of_lines_arrive_as_they_were(mailhost: Host, body: str, pipelining: bool) -> None:
    host = mailhost(pipelining=pipelining)
    with closing(connected(host.port)) as made:
        for _ in range(2):
            made.deliver("ada@example.com", f"Subject: x\r\n\r\n{body}".encode())
    assert [mail.get_payload(decode=True) for mail in host.received] == [
        body.encode() + (b"" if body.endswith("\r\n") or not body else b"\r\n")
    ] * 2


def test_no_command_is_smuggled_in_by_an_address(mailhost: Host) -> None:
    host = mailhost()
    with closing(connected(host.port)) as made, pytest.raises(Exception, match="one line"):
        made.deliver("ada@example.com>\r\nRCPT TO:<eve@example.com", b"Subject: x\r\n\r\nx")
    assert host.received == []


@pytest.fixture
def eager() -> Iterator[tuple[int, list[bytes]]]:
    """A server that asks for the text of a mail although it refused whom it is for: (port, what it was told)."""
    told: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        talk, _peer = listener.accept()
        with talk, talk.makefile("rwb") as lines:

            def say(text: str) -> None:
                lines.write(text.encode() + b"\r\n")
                lines.flush()

            say("220 here")
            answers = {b"EHLO": "250-here\r\n250 PIPELINING", b"RCPT": "550 5.1.1 No such user", b"DATA": "354 go on"}
            answers |= {b".": "554 5.5.1 No valid recipients", b"QUIT": "221 bye"}
            for line in lines:
                told.append(line.strip())
                say(answers.get(told[-1][:4].upper(), "250 ok"))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], told
    thread.join(5)
    listener.close()


def test_a_mail_for_nobody_ends_with_a_dot_and_the_talk_goes_on(eager: tuple[int, list[bytes]]) -> None:
    """RFC 2920, 3.1."""
    port, told = eager
    with closing(connected(port)) as made:
        with pytest.raises(Rejected, match=r"550 5\.1\.1"):
            made.deliver("nobody@example.com", b"Subject: secret\r\n\r\nsecret")
        assert made.usable
    words = [line.split(b":")[0].split()[0].upper() for line in told]
    assert words == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b".", b"RSET", b"QUIT"]
