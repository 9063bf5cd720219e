"""The last good copy of a provider's metadata: taken when it is first needed, renewed by the worker and on demand."""

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.celery import wake
from audit.events import event
from audit.models import Outcome
from audit.services import record
from sso.claims import ProviderBusy, ProviderRefused, ProviderSilent
from sso.models import Provider, Saml
from sso.saml.metadata import BadMetadata, IdentityProvider, NotAsked, download, understand

RENEWED = event("provider.metadata_renewed", _("Metadata of a provider renewed"))
RENEW_AFTER = timedelta(hours=6)
SOONEST = timedelta(minutes=5)  # between two renewals that sign-ins ask for


def facts_of(provider: Provider, *, actor: Actor) -> IdentityProvider:
    """What the metadata says that we have; fetched now where there is none. Raises ProviderSilent, ProviderRefused."""
    saml = provider.saml
    if saml.known_metadata:
        try:
            return understand(saml.known_metadata, saml.idp_entity_id)
        except BadMetadata as bad:
            if not saml.metadata_url:
                raise ProviderRefused("bad_metadata", str(bad)) from None
    try:
        return renew(provider, actor=actor, paused=True)
    except BadMetadata as bad:
        raise (ProviderBusy if isinstance(bad, NotAsked) else ProviderSilent)(str(bad)) from None


def known_facts(provider: Provider) -> IdentityProvider | None:
    """The same without asking anybody; None where there is no usable copy."""
    try:
        return understand(provider.saml.known_metadata, provider.saml.idp_entity_id)
    except BadMetadata:
        return None


def fresh_facts(saml: Saml) -> IdentityProvider:
    """What the metadata says now, of settings that need not be saved: for a test. Raises BadMetadata."""
    xml = download(saml.metadata_url, paused=False) if saml.metadata_url else saml.metadata_xml
    return understand(xml, saml.idp_entity_id)


def renew(provider: Provider, *, actor: Actor, paused: bool = False) -> IdentityProvider:
    """Fetch the metadata and keep it; what can't be used leaves the last good copy as it is. Raises BadMetadata.

    ``paused``: somebody waits for it, so who was silent just now is not asked again.
    """
    saml = provider.saml
    try:
        xml = download(saml.metadata_url, paused=paused)
        facts = understand(xml, saml.idp_entity_id)
    except BadMetadata as bad:
        record(RENEWED, actor=actor, target=provider, outcome=Outcome.FAILED, reason=str(bad))
        raise
    with transaction.atomic():
        row = Saml.objects.select_for_update().get(pk=saml.pk)
        if row.metadata_url == saml.metadata_url and row.idp_entity_id == saml.idp_entity_id:
            if (row.metadata_copy, row.metadata_copied_from) != (xml, row.metadata_url):
                record(RENEWED, actor=actor, target=provider, certificates=len(facts.certificates))
            row.metadata_copy, row.metadata_copied_from, row.metadata_fetched_at = xml, row.metadata_url, actor.at
            row.save(update_fields=Saml.fetched)
    for name in Saml.fetched:
        setattr(saml, name, getattr(row, name))
    return facts


def renew_soon(provider: Provider, *, actor: Actor) -> None:
    """Somebody came with a key that we don't know: perhaps the provider has a new one."""
    fetched = provider.saml.metadata_fetched_at
    if provider.saml.metadata_url and (fetched is None or fetched < actor.at - SOONEST):
        wake("sso.renew-metadata", provider.pk, actor=actor)


def due(actor: Actor) -> list[Provider]:
    """Enabled providers whose copy is old."""
    rows = Provider.objects.enabled().saml().exclude(saml__metadata_url="")
    limit = actor.at - RENEW_AFTER
    return [row for row in rows if row.saml.metadata_fetched_at is None or row.saml.metadata_fetched_at < limit]


def renew_due(*, actor: Actor) -> int:
    """Renew each copy that is old; returns how many could be. One that can't be is tried again next time.

    An error that nobody foresaw is raised when the others are renewed.
    """
    renewed, unforeseen = 0, None
    for provider in due(actor):
        try:
            renew(provider, actor=actor)
        except BadMetadata:
            continue
        except Exception as error:
            unforeseen = error
        else:
            renewed += 1
    if unforeseen is not None:
        raise unforeseen
    return renewed


def owner_of(certificate: str, *, but: Provider) -> str:
    """The name of another configured provider that signs with this certificate, or ""."""
    wanted = "".join(certificate.split())
    rows = Provider.objects.saml()
    for other in rows.exclude(pk=but.pk) if but.pk else rows:
        facts = known_facts(other)
        if facts and wanted in {"".join(one.split()) for one in facts.certificates}:
            return str(other.name)
    return ""
