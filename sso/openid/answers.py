"""Somebody comes back from a provider: what was begun, what the provider said, and every check of it."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sso.claims import Check, Person, ProviderRefused
from sso.models import Provider
from sso.openid.client import Client
from sso.openid.discovery import Endpoints, discover
from sso.openid.protocol import keep, redirect_uri

LONGEST_WORDS = 300  # characters of the provider's own
# Where a check of a test's report has failed, by the reason of the refusal.
CHECKS = [
    (gettext_lazy("Issuer"), {"wrong_issuer"}),
    (gettext_lazy("Audience"), {"wrong_audience", "wrong_party"}),
    (gettext_lazy("Nonce"), {"wrong_nonce"}),
    (
        gettext_lazy("Signature"),
        {"signature", "unsigned", "algorithm", "unknown_key", "key_not_named", "bad_key", "malformed"},
    ),
    (gettext_lazy("Time"), {"expired", "not_yet_valid"}),
    (gettext_lazy("Code"), {"code_refused", "no_token", "no_code"}),
    (gettext_lazy("Userinfo"), {"userinfo_refused", "userinfo_subject"}),
    (gettext_lazy("Connection"), {"unreachable", "not_https"}),
    (gettext_lazy("Discovery"), {"discovery"}),
    (gettext_lazy("Subject"), {"bad_subject"}),
    (gettext_lazy("Sender"), {"wrong_sender", "no_sender"}),
    (gettext_lazy("Consent"), {"declined", "provider_error"}),
]
NAMES = {reason: name for name, reasons in CHECKS for reason in reasons}


@dataclass
class Answer:
    """What one way back from a provider came to. ``checks`` in order; the last one failed where ``refused`` is set."""

    checks: list[Check] = field(default_factory=list)
    person: Person | None = None
    refused: ProviderRefused | None = None
    kept: dict[str, str] = field(default_factory=dict)
    asked_at: float | None = None  # when the provider asked the person, seconds since 1970, if it says so

    def person_or_refused(self) -> Person:
        """Raises ProviderRefused, ProviderSilent."""
        if self.person is None:
            assert self.refused is not None
            raise self.refused
        return self.person


def read(request: HttpRequest, provider: Provider, remembered: dict[str, Any]) -> Answer:
    """The answer in this request's address to what was begun; ``remembered`` then. Writes nothing."""
    answer = Answer()
    answer.checks.append(Check(True, _("State"), _("The answer belongs to the sign-in that was begun here.")))
    client = None
    try:
        endpoints = discover(provider.openid.discovery_endpoint)
        answer.checks.append(Check(True, _("Discovery"), provider.openid.discovery_endpoint))
        _check_sender(request, endpoints)
        if endpoints.names_itself:
            answer.checks.append(Check(True, _("Sender"), _("The answer names this provider (iss).")))
        _check_consent(request)
        client = Client(provider.openid, endpoints, redirect_uri(request, provider))
        answer.person = client.person(request, nonce=remembered["nonce"], code_verifier=remembered["code_verifier"])
        answer.kept = keep(client, endpoints)
        asked_at = client.claims.get("auth_time")
        answer.asked_at = None if asked_at is None else float(asked_at)  # a number: the token was verified
    except ProviderRefused as refused:
        answer.refused = refused
    answer.checks += client.checks if client else []
    if answer.refused:
        answer.checks.append(failed(answer.refused))
    return answer


def failed(refused: ProviderRefused) -> Check:
    """A refusal as a line of a test's report."""
    return Check(False, str(NAMES.get(refused.reason, _("Answer"))), str(refused))


def _check_sender(request: HttpRequest, endpoints: Endpoints) -> None:
    """The answer names who sent it (RFC 9207): a provider may not pass on codes that another one gave out."""
    named = request.GET.get("iss", "")
    if named and named != endpoints.issuer:
        sentence = _("The answer was sent by %(issuer)s.") % {"issuer": named[:200]}
        raise ProviderRefused("wrong_sender", sentence)
    if not named and endpoints.names_itself:
        raise ProviderRefused(
            "no_sender", _("The answer does not name its sender (iss), which this provider always does.")
        )


def _check_consent(request: HttpRequest) -> None:
    """The provider's own no (RFC 6749, 4.1.2.1)."""
    if error := request.GET.get("error", ""):
        told = {"error": error[:100], "words": request.GET.get("error_description", "")[:LONGEST_WORDS]}
        sentence = (
            _("The provider answered %(error)s: %(words)s") if told["words"] else _("The provider answered %(error)s.")
        )
        raise ProviderRefused("declined" if error == "access_denied" else "provider_error", sentence % told)
