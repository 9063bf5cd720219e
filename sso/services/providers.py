"""Every change to providers."""

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.services.rules import keep_a_superuser_in, may_touch_superusers
from accounts.services.ways import Button
from agora.base.actor import Actor
from agora.base.errors import Gone, Refused
from agora.base.models import locked
from audit.events import event
from audit.services import MASK, change, values_of
from sso.models import GroupRole, Identity, Provider
from sso.services import links as links_of
from sso.services import testing

CREATED = event("provider.created", _("Provider created"))
CHANGED = event("provider.changed", _("Provider changed"))
ENABLED = event("provider.enabled", _("Provider enabled"))
DISABLED = event("provider.disabled", _("Provider disabled"))
MOVED = event("provider.moved", _("Order of the providers changed"))
DELETED = event("provider.deleted", _("Provider deleted"))

COMMON = (
    "name", "alias", "enabled", "link_by_username", "create_accounts", "new_account_role", "ask_second_factor",
)  # fmt: skip
LONG = ("metadata_xml", "ca_certificate")  # the log keeps their digests


class NeverTested(Refused):
    """Saving or enabling what nobody saw work is asked twice."""

    status = 409
    message = _("These settings have never passed the test. Test them first, or save them untested.")


class WayOfSuperusers(Refused):
    """Who settles what such a provider says could be any of them."""

    message = _("Superusers come in through this provider, or it makes some. Only a superuser changes it: ask one.")


class ProviderChanged(Refused):
    status = 409
    message = _("Somebody else changed this provider while you were editing it. Nothing of yours is saved yet.")


def buttons() -> list[Button]:
    """What the sign-in page offers beside its form."""
    rows = Provider.objects.with_buttons()
    return [Button(provider.name, reverse("sso:login", args=[provider.alias])) for provider in rows]


def create_provider(draft: Provider, group_roles: list[GroupRole], *, untested: bool, actor: Actor) -> Provider:
    """Save what was typed: a provider without an id, the row of its kind attached. It becomes the last in the order.

    Raises NeverTested, unless ``untested`` says that this was asked; WayOfSuperusers, ValidationError for a name or
    alias that is taken.
    """
    _note_test(draft, untested, actor)
    with change(CREATED, actor=actor, name=draft.name, kind=draft.kind, untested=untested) as entry:
        check_may_settle(draft, actor)
        last: int | None = Provider.objects.aggregate(last=Max("position"))["last"]
        draft.position = 0 if last is None else last + 1
        row = draft.settings
        _save_unique(draft, force_insert=True)
        row.provider = draft
        row.save(force_insert=True)
        _write_group_roles(draft, group_roles)
        entry.target = draft
        entry.details["settings"] = _recorded(draft, group_roles)
    return draft


def change_provider(
    draft: Provider, group_roles: list[GroupRole], *, version: int, untested: bool, links: str = "", actor: Actor
) -> Provider:
    """Save what was typed over the provider with the same id; only what differs is recorded, field by field.

    ``version`` is that of the row which the person saw. ``links``: "unlink" or "keep" those of accounts, which is asked
    where the provider now is another issuer or directory. Raises LinksRemain then, ProviderChanged, Gone, NeverTested,
    WayOfSuperusers, LastWayIn, ValidationError for a name or alias that is taken.
    """
    _note_test(draft, untested, actor)
    with change(CHANGED, actor=actor) as entry:
        row = _locked(draft.pk)
        entry.target = row
        check_may_settle(row, actor)
        check_may_settle(draft, actor)
        if row.version != version:
            raise ProviderChanged
        changes = entry.compare(_recorded(row, list(_group_roles(row))), _recorded(draft, group_roles))
        if secret := _changed_secrets(row, draft):
            changes |= secret
            entry.silent = False
        if entry.silent:
            if draft.tested != row.tested:  # the same settings, seen to work by now
                Provider.objects.filter(pk=row.pk).update(tested=draft.tested, tested_at=draft.tested_at)
            return row
        with keep_a_superuser_in():
            if links_of.name_others(row, draft):
                entry.details |= links_of.settle(row, links)
            draft.version = row.version + 1
            _save_unique(draft, update_fields=[*COMMON, "tested", "tested_at", "version"])
        draft.settings.save(force_update=True)
        _write_group_roles(draft, group_roles)
        entry.details["untested"] = untested
    return draft


def set_enabled(provider: Provider, enabled: bool, *, actor: Actor) -> Provider:
    """Offer it on the sign-in page, or not; sessions that it opened go on.

    Raises WayOfSuperusers, LastWayIn, Gone.
    """
    with change(ENABLED if enabled else DISABLED, actor=actor, target=provider) as entry:
        row = _locked(provider.pk)
        check_may_settle(row, actor)
        entry.compare({"enabled": row.enabled}, {"enabled": enabled})
        row.enabled, row.version = enabled, row.version + 1
        if not entry.silent:
            with keep_a_superuser_in():
                row.save(update_fields=["enabled", "version"])
    return row


def move_provider(provider: Provider, *, up: bool, actor: Actor) -> None:
    """One place up or down in the order; at the end of the list nothing happens. Raises Gone."""
    with change(MOVED, actor=actor, target=provider) as entry:
        rows = list(Provider.objects.select_for_update().in_order())
        here = next((place for place, row in enumerate(rows) if row.pk == provider.pk), None)
        if here is None:
            raise Gone
        there = here - 1 if up else here + 1
        before = [row.alias for row in rows]
        if 0 <= there < len(rows):
            rows[here], rows[there] = rows[there], rows[here]
        entry.compare({"order": before}, {"order": [row.alias for row in rows]})
        for place, row in enumerate(rows):
            if row.position != place:
                Provider.objects.filter(pk=row.pk).update(position=place)


def delete_provider(provider: Provider, *, actor: Actor) -> None:
    """Remove it with what links accounts to it; the accounts and their open sessions stay.

    Raises WayOfSuperusers, LastWayIn, Gone.
    """
    with change(DELETED, actor=actor, target=provider, kind=provider.kind, alias=provider.alias) as entry:
        row = _locked(provider.pk)
        check_may_settle(row, actor)
        entry.details["accounts_linked"] = Identity.objects.of_provider(row.pk).count()
        entry.details["settings"] = _recorded(row, list(_group_roles(row)))
        with keep_a_superuser_in():
            row.delete()


def lose_their_way(provider: Provider) -> tuple[int, int]:
    """(accounts that are linked to the provider, those of them that can't sign in any other way)."""
    linked = Identity.objects.of_provider(provider.pk)
    return linked.count(), linked.without_another_way().count()


def check_may_settle(provider: Provider, actor: Actor) -> None:
    """Raises WayOfSuperusers where only superusers change, disable or delete this provider."""
    if may_touch_superusers(actor):
        return
    makes_some = bool(getattr(provider.settings, "superuser_group", ""))
    if makes_some or Identity.objects.of_provider(provider.pk or 0).filter(account__is_superuser=True).exists():
        raise WayOfSuperusers


def is_tested(provider: Provider) -> bool:
    """Did the saved settings pass their test?"""
    return bool(provider.tested) and provider.tested == testing.digest_of(provider)


def _note_test(draft: Provider, untested: bool, actor: Actor) -> None:
    if testing.passed(draft, actor=actor):
        digest = testing.digest_of(draft)
        if digest != draft.tested:
            draft.tested, draft.tested_at = digest, actor.at
    elif not untested:
        raise NeverTested


def _locked(pk: int) -> Provider:
    return locked(Provider.objects.with_settings(), Provider(pk=pk))


def _save_unique(draft: Provider, **how: Any) -> None:
    """Save; two people taking the same name at once is an error under the field for the second, not a crash."""
    try:
        with transaction.atomic():
            draft.save(**how)
    except IntegrityError as error:
        others = Provider.objects.exclude(pk=draft.pk)
        if others.filter(alias=draft.alias).exists():
            raise ValidationError({"alias": _("Another provider has this alias. Choose another.")}) from error
        if others.filter(name=draft.name).exists():
            raise ValidationError({"name": _("Another provider has this name. Choose another.")}) from error
        raise


def _group_roles(provider: Provider) -> Any:
    return GroupRole.objects.filter(provider=provider)


def _write_group_roles(provider: Provider, rows: list[GroupRole]) -> None:
    with transaction.atomic():
        _group_roles(provider).delete()
        for place, row in enumerate(rows):
            GroupRole.objects.create(provider=provider, position=place, group=row.group, role=row.role)


def _recorded(provider: Provider, group_roles: list[GroupRole]) -> dict[str, Any]:
    """The settings as the audit log keeps them: no secret, long texts by their digest."""
    values = values_of(provider, COMMON) | testing.values_of_kind(provider.settings)
    for name in provider.settings.secrets:
        del values[name]
    for name in LONG:
        if values.get(name):
            values[name] = "sha256:" + hashlib.sha256(values[name].encode()).hexdigest()[:16]
    return values | {"group_roles": [f"{row.group} = {row.role}" for row in group_roles]}


def _changed_secrets(row: Provider, draft: Provider) -> dict[str, list[str]]:
    """That a secret changed, and between what: nothing, and something."""
    pairs = {name: (getattr(row.settings, name), getattr(draft.settings, name)) for name in row.settings.secrets}
    return {name: [MASK if one else "" for one in pair] for name, pair in pairs.items() if pair[0] != pair[1]}
