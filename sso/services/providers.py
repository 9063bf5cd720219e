"""Every change to providers."""

from django.urls import reverse

from accounts.services.ways import Button
from sso.models import Provider


def buttons() -> list[Button]:
    """What the sign-in page offers beside its form."""
    return [
        Button(provider.name, reverse("sso:login", args=[provider.alias]))
        for provider in Provider.objects.with_buttons()
    ]
