"""What becomes of the links of accounts when a provider is pointed elsewhere."""

from typing import Any

from django.utils.translation import ngettext

from agora.base.errors import Refused
from sso.models import Identity, Provider


class LinksRemain(Refused):
    """Who has the same subject at another issuer or directory is somebody else: what becomes of the links is asked."""

    status = 409

    def __init__(self, linked: int) -> None:
        sentence = ngettext(
            "%(n)d account is linked to what the provider called it where it was until now. "
            "Whoever is called so at the new place would sign in as it.",
            "%(n)d accounts are linked to what the provider called them where it was until now. "
            "Whoever is called so at the new place would sign in as one of them.",
            linked,
        )
        super().__init__(sentence % {"n": linked})


def name_others(row: Provider, draft: Provider) -> bool:
    """Is it another issuer or directory by now?"""
    return any(getattr(row.settings, name) != getattr(draft.settings, name) for name in row.settings.names_people)


def settle(provider: Provider, links: str) -> dict[str, Any]:
    """Keep or remove what links accounts to the provider; what the log is told of it. Raises LinksRemain."""
    rows = Identity.objects.of_provider(provider.pk)
    if not (linked := rows.count()):
        return {}
    if links not in ("keep", "unlink"):
        raise LinksRemain(linked)
    if links == "unlink":
        rows.delete()
    return {"accounts_linked": linked, "links": "kept" if links == "keep" else "unlinked"}
