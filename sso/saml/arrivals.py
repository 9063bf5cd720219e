"""The way back from a SAML provider, in two halves.

The provider's page posts the answer from its own site, and browsers send no cookie of ours along with that
(SameSite=Lax). So the first half checks the answer and keeps what it says under a one-time token; the second half, a
page of this site to which the browser is sent on, has the cookies again and checks that it is the same browser.
"""

import json
import secrets
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from agora.base.actor import Actor
from sso.claims import Check, NothingBegun, Person, ProviderRefused
from sso.models import Begun, Kind, Provider, Seen
from sso.saml.copies import facts_of, owner_of, renew_soon
from sso.saml.metadata import IdentityProvider
from sso.saml.protocol import ARRIVED, ASKED, sides_of
from sso.saml.response import Arrived, check_response, peek
from sso.services import begun as begins
from sso.services.testing import tried

ASSERTION = "assertion"
ANSWERED_WITHIN = begins.VALID / 5


def receive(request: HttpRequest, provider: Provider | None, alias: str, *, actor: Actor) -> str:
    """The first half: the token of the second. Raises ProviderRefused, ProviderSilent."""
    message, relay_state = request.POST.get("SAMLResponse", ""), request.POST.get("RelayState", "")
    request_id, assertion_id = peek(message)
    if not request_id:
        return _unasked(request, provider, message, actor=actor)
    try:
        row, remembered = begins.take(Kind.SAML, alias, request_id, actor=actor)
    except ProviderRefused as refused:
        if refused.reason == "unknown_request" and provider is not None and _was_here(provider, assertion_id):
            raise _replayed() from None
        raise
    if remembered.get("stage") != ASKED:
        raise NothingBegun
    if row.report is not None:
        return _tested(request, row, remembered, message, relay_state, request_id, actor=actor)
    assert row.provider is not None
    _check_relay_state(relay_state, remembered)
    arrived = _checked(request, row.provider, message, request_id, [], actor=actor)
    values = {"next": row.next_path, "again": remembered.get("again"), "asked_at": arrived.asked_at}
    return _hand_on(row, {**values, **_as_json(arrived)}, actor=actor)


def _unasked(request: HttpRequest, provider: Provider | None, message: str, *, actor: Actor) -> str:
    """An answer to nothing: somebody began at the provider, or somebody is made to sign in as somebody else."""
    if provider is None or not provider.saml.allow_idp_initiated:
        raise ProviderRefused("unsolicited", _("The answer belongs to no request (InResponseTo is missing)."))
    arrived = _checked(request, provider, message, "", [], actor=actor)
    row = Begun(kind=Kind.SAML, alias=provider.alias, provider=provider)
    return _hand_on(row, {"next": "", "any_browser": True, **_as_json(arrived)}, actor=actor)


def _checked(
    request: HttpRequest,
    provider: Provider,
    message: str,
    request_id: str,
    checks: list[Check],
    *,
    actor: Actor,
    facts: IdentityProvider | None = None,
) -> Arrived:
    sides = sides_of(provider, facts or facts_of(provider, actor=actor), request, actor=actor)
    try:
        arrived = check_response(
            message, sides, provider.saml, request_id=request_id, checks=checks,
            owner=lambda certificate: owner_of(certificate, but=provider),
        )  # fmt: skip
    except ProviderRefused as refused:
        if refused.reason == "unknown_key" and facts is None:
            renew_soon(provider, actor=actor)
        raise
    if facts is None and not Seen.objects.once(provider, ASSERTION, arrived.assertion_id, arrived.expires_at):
        raise _replayed()
    return arrived


def _was_here(provider: Provider, assertion_id: str) -> bool:
    rows = Seen.objects.filter(provider=provider, kind=ASSERTION, digest=begins.digest_of(assertion_id))
    return bool(assertion_id) and rows.exists()


def _replayed() -> ProviderRefused:
    return ProviderRefused("replayed", _("The same answer was used before."))


def _check_relay_state(sent: str, remembered: dict[str, Any]) -> None:
    """It goes nowhere but back to us: where the person goes afterwards stands in our own row."""
    if not constant_time_compare(sent, remembered["relay_state"]):
        raise ProviderRefused("relay_state", _("The RelayState is not the one that this server sent."))


def _tested(
    request: HttpRequest,
    row: Begun,
    remembered: dict[str, Any],
    message: str,
    relay_state: str,
    request_id: str,
    *,
    actor: Actor,
) -> str:
    """A test is told what came of it in the second half, where the one who began it is known."""
    assert row.report is not None
    provider, _roles = tried(row.report)
    facts = remembered["facts"]
    facts = IdentityProvider(**facts | {"certificates": tuple(facts["certificates"])})
    checks: list[Check] = []
    person: Person | None = None
    try:
        _check_relay_state(relay_state, remembered)
        arrived = _checked(request, provider, message, request_id, checks, actor=actor, facts=facts)
        person = arrived.person
    except ProviderRefused as refused:
        if not checks or checks[-1].passed:
            checks.append(Check(False, _("Way back"), str(refused)))
    found = {"checks": [asdict(check) for check in checks], "person": _person(person) if person else None}
    return _hand_on(row, found, actor=actor)


def _person(person: Person) -> dict[str, Any]:
    return asdict(person) | {"groups": list(person.groups)}


def _as_json(arrived: Arrived) -> dict[str, Any]:
    # What was received as it is, is for a test's report only.
    return {"person": _person(arrived.person) | {"raw": {}}, "kept": arrived.kept}


def _hand_on(row: Begun, values: dict[str, Any], *, actor: Actor) -> str:
    token = secrets.token_urlsafe(32)
    begins.write(
        kind=Kind.SAML,
        alias=row.alias,
        provider=row.provider,
        report=row.report,
        request_digest=begins.digest_of(token),
        browser_digest=row.browser_digest,
        data=json.dumps({"stage": ARRIVED, **values}),
        created_at=actor.at,
        expires_at=actor.at + ANSWERED_WITHIN,
    )
    return token


def land(request: HttpRequest, alias: str, token: str, *, actor: Actor) -> tuple[Begun, dict[str, Any]]:
    """The second half: what the first one kept, once, for the browser that began it. Raises ProviderRefused."""
    row, values = begins.take(Kind.SAML, alias, token, actor=actor)
    if values.get("stage") != ARRIVED:
        raise NothingBegun
    if not values.get("any_browser"):
        begins.check_browser(row, request)
    return row, values


def person_in(values: dict[str, Any]) -> Person | None:
    """The person that the first half kept."""
    found = values["person"]
    return Person(**found | {"groups": tuple(found["groups"])}) if found else None
