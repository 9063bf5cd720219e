"""Tests of providers, with settings that need not be saved: what is tried, what came of it, who may see it once."""

import json
import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.forms import model_to_dict
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from agora.base.actor import Actor
from audit.events import event
from audit.models import Outcome
from audit.services import record
from sso.claims import Check, Person, ProviderRefused
from sso.models import GroupRole, Kind, Ldap, OpenIdConnect, Provider, Report, Saml
from sso.services.mapping import decide

TESTED = event("provider.tested", gettext_lazy("Provider tested"))

VALID = timedelta(hours=1)  # in which settings that passed may be saved without being asked
SHOWN = timedelta(minutes=10)
TRIED = timedelta(minutes=15)  # longer than any way back from a provider takes
ROWS: dict[str, type[OpenIdConnect] | type[Saml] | type[Ldap]] = {
    Kind.OPENID: OpenIdConnect,
    Kind.SAML: Saml,
    Kind.LDAP: Ldap,
}
# What the person may still change after a test without making it worth nothing: it says who gets what role.
COMMON = ("kind", "name", "alias", "link_by_username", "create_accounts", "new_account_role", "ask_second_factor")


OTHER = ("provider", *Saml.fetched)  # columns of a kind's row that nobody types


def values_of_kind(row: Model) -> dict[str, Any]:
    """The settings of one kind, secrets among them, as JSON takes them."""
    names = [field.name for field in row._meta.concrete_fields if field.name not in OTHER]
    return {name: model_to_dict(row, fields=[name])[name] for name in names}


def digest_of(provider: Provider) -> str:
    """What tells settings apart that were tested from others; keyed, for there are secrets among them."""
    values = {"kind": provider.kind, "alias": provider.alias} | values_of_kind(provider.settings)
    return salted_hmac("sso.testing", json.dumps(values, sort_keys=True), algorithm="sha256").hexdigest()


def begin_test(provider: Provider, group_roles: list[GroupRole], *, actor: Actor) -> Report:
    """The row of a test of these settings, of a provider that need not be saved, with the row of its kind attached.

    For a protocol that people are sent away for, ``protocols.away(kind).start(…, report=report)`` comes next.
    """
    assert isinstance(actor.account, Account)
    tried = {
        "provider": {name: getattr(provider, name) for name in COMMON},
        "settings": values_of_kind(provider.settings),
        "group_roles": [[row.group, row.role] for row in group_roles],
    }
    return Report.objects.create(
        tester=actor.account,
        key=secrets.token_hex(16),
        kind=provider.kind,
        alias=provider.alias,
        name=provider.name,
        provider_id=provider.pk,
        tried=json.dumps(tried),
        settings_digest=digest_of(provider),
        created_at=actor.at,
        expires_at=actor.at + VALID,
    )


def tried(report: Report) -> tuple[Provider, list[GroupRole]]:
    """The provider that is tested, as it was typed: with the id of the saved one, if any, and never to be saved.

    Raises ProviderRefused (expired_request) once that is wiped.
    """
    if not report.tried:
        raise ProviderRefused("expired_request", _("The test was begun too long ago, or has its report already."))
    values = json.loads(str(report.tried))
    provider = Provider(pk=report.provider_id, **values["provider"])
    setattr(provider, report.kind, ROWS[report.kind](provider=provider, **values["settings"]))
    rows = [
        GroupRole(position=place, group=group, role=role) for place, (group, role) in enumerate(values["group_roles"])
    ]
    return provider, rows


def check_tester(report: Report, person: Any) -> None:
    """Raises ProviderRefused (other_tester) unless this is who began the test, and may still."""
    if report.tester_id != person.pk or not person.has_perm("settings.change"):
        raise ProviderRefused("other_tester", _("The test was begun by somebody else."))


def finish_test(
    report: Report,
    checks: list[Check],
    person: Person | None,
    *,
    refused: ProviderRefused | None = None,
    actor: Actor,
) -> Report:
    """Write down what came of it, with what the account would be; makes no session, changes no other row.

    ``checks`` in the order in which they were made; the last one failed where ``person`` is None. ``refused``: why the
    provider's rules would keep this person out.
    """
    provider, group_roles = tried(report)
    checks, outcome = list(checks), ""
    if person is not None:
        try:
            if refused is not None:
                raise refused
            outcome = decide(provider, person, group_roles=group_roles).sentence
        except ProviderRefused as refusal:
            # The protocol works; that this person may not come in may be just what was meant.
            outcome = _("Would be refused: %(why)s") % {"why": refusal}
    report.passed = person is not None and all(check.passed for check in checks)
    report.content = json.dumps(
        {
            "checks": [asdict(check) | {"name": str(check.name), "sentence": str(check.sentence)} for check in checks],
            "person": _shown(person) if person else None,
            "outcome": str(outcome),
        }
    )
    report.tried = ""
    report.save(update_fields=["passed", "content", "tried"])
    failed = [str(check.name) for check in checks if not check.passed]
    record(
        TESTED,
        actor=actor,
        target=provider if provider.pk else None,
        target_name=provider.name,
        outcome=Outcome.SUCCESS if report.passed else Outcome.FAILED,
        kind=report.kind,
        alias=report.alias,
        failed=failed,
    )
    return report


def failed(refused: ProviderRefused) -> Check:
    """The line of a report that says where a test ended."""
    return Check(False, refused.reason.replace("_", " ").capitalize(), str(refused))


def content_of(report: Report, *, actor: Actor) -> dict[str, Any]:
    """What came of a finished test, for ten minutes; empty before and afterwards."""
    if report.passed is None or not report.content or report.created_at + SHOWN <= actor.at:
        return {}
    content: dict[str, Any] = json.loads(str(report.content))
    return content


def passed(provider: Provider, *, actor: Actor) -> bool:
    """Did exactly these settings pass a test, now or when they were saved last?"""
    digest = digest_of(provider)
    return digest == provider.tested or Report.objects.passed_with(digest, actor.at).exists()


def _shown(person: Person) -> dict[str, Any]:
    """What was received, readable: raw values as text."""
    values = asdict(person)
    raw = {str(name): _text(value) for name, value in values.pop("raw").items()}
    return values | {"groups": list(person.groups), "raw": raw}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(_text(one) for one in value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") if value.isascii() else value.hex()
    return str(value)[:2000]
