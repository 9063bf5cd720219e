"""Whose address it is, where to go next, what every answer carries."""

import ipaddress

import pytest
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.models import Account
from agora.base.http import PolicyMiddleware, client_address, csv_lines, next_url
from tests.conftest import Make

PROXIES = [ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        # Without a trusted proxy the header is what the client wrote: nothing.
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "192.0.2.1", "198.51.100.7"),
        ("198.51.100.7", "127.0.0.1", "198.51.100.7"),
        # Behind proxies the last entry that is not one of them; what stands left of it may be forged.
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1, 10.1.2.3", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.99, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1, 203.0.113.99, 192.0.2.1, 10.9.9.9", "192.0.2.1"),
        ("127.0.0.1", "nonsense, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1, nonsense", None),
        ("127.0.0.1", "10.0.0.1, 10.0.0.2", None),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "' OR 1=1 --", None),
        ("", "192.0.2.1", None),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1:4711", None),
    ],
)
def test_the_clients_address(settings: object, peer: str, forwarded: str, address: str | None) -> None:
    settings.TRUSTED_PROXIES = PROXIES  # type: ignore[attr-defined]
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {}, REMOTE_ADDR=peer)
    assert client_address(request) == address


def asked(target: str, *, method: str = "GET", secure: bool = False) -> HttpRequest:
    return getattr(RequestFactory(), method.lower())("/", {"next": target}, secure=secure)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("target", ["/accounts/", "/accounts/?role=viewer&order=-username", "/a/#b", "/ü/?q=%2F%2Fx"])
def test_pages_of_this_server_are_gone_to(target: str, method: str) -> None:
    assert next_url(asked(target, method=method), "/home/") == target


@pytest.mark.parametrize(
    "target",
    ["", "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "\\/evil.example", "http:///evil",
     "javascript:alert(1)", "/\t/evil.example", "accounts/", "http://testserver", " /accounts/", "\t//evil.example"],
)  # fmt: skip
def test_everything_else_is_not(target: str) -> None:
    assert next_url(asked(target), "/home/") == "/home/"


def test_a_form_s_own_next_goes_before_the_address_s() -> None:
    request = RequestFactory().post("/?next=/b/", {"next": "/a/"})
    assert next_url(request, "/home/") == "/a/"


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize("address", ["/", "/sign-in/", "/healthz", "/no-such-page/", "/accounts/?after=x"])
def test_every_answer_carries_the_same_protection(make: Make, root: Account, address: str) -> None:
    answer = make.client(root).get(address)
    sent = answer.headers["Content-Security-Policy"]
    assert sorted(part.strip() for part in sent.split(";")) == sorted(part.strip() for part in POLICY.split(";"))
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert len(answer.headers["X-Request-Id"]) == 16


def test_an_answer_may_ask_for_a_policy_of_its_own_and_the_next_does_not_get_it() -> None:
    answers = [HttpResponse() for _ in range(4)]
    answers[1]._csp_update = {"form-action": ["https:"]}  # type: ignore[attr-defined]
    answers[2]._csp_exempt = True  # type: ignore[attr-defined]
    given = iter(answers)
    middleware = PolicyMiddleware(lambda request: next(given))
    sent = [middleware(RequestFactory().get("/")).headers.get("Content-Security-Policy") for _ in answers]
    assert (
        sent[0]
        == sent[3]
        == CSPMiddleware(lambda request: HttpResponse())(RequestFactory().get("/")).headers["Content-Security-Policy"]
    )
    assert sorted(sent[1].split("; ")) == sorted(
        sent[0].replace("form-action 'self'", "form-action 'self' https:").split("; ")
    )
    assert sent[2] is None


def test_what_an_account_saw_is_not_kept_by_the_browser(make: Make, root: Account, client: Client) -> None:
    assert make.client(root).get("/accounts/").headers["Cache-Control"] == "no-store"
    assert "no-store" in client.get("/sign-in/").headers["Cache-Control"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_cells_that_a_spreadsheet_would_run_are_defused(cell: str) -> None:
    assert next(csv_lines([cell], [])).lstrip('"').startswith("'")
