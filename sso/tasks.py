"""What the workers do for single sign-on."""

from contextlib import suppress
from typing import Any

from celery import shared_task
from django.utils import timezone

from agora.celery import actor_of_task
from sso.models import Provider
from sso.saml import copies
from sso.saml.metadata import BadMetadata
from sso.services.upkeep import purge as remove_expired


@shared_task(name="sso.purge")
def purge() -> None:
    """Remove what is past its time: begun sign-ins, one-time ids, reports of tests."""
    remove_expired(now=timezone.now())


@shared_task(bind=True, name="sso.renew-all-metadata")
def renew_all_metadata(self: Any) -> None:
    """Fetch the metadata of SAML providers whose copy is some hours old."""
    copies.renew_due(actor=actor_of_task(self.request))


@shared_task(bind=True, name="sso.renew-metadata")
def renew_metadata(self: Any, provider_id: int) -> None:
    """Fetch one provider's metadata now; that it could not be had or used is in the audit log."""
    provider = Provider.objects.saml().filter(pk=provider_id).first()
    if provider is not None:
        with suppress(BadMetadata):
            copies.renew(provider, actor=actor_of_task(self.request))
