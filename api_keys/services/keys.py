"""Making, changing, resetting and deleting keys; who may use keys at all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services.rules import check_may_edit, fresh, is_self
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked
from api_keys.models import ApiKey
from api_keys.secret_text import VISIBLE, digest_of, new_secret
from audit.events import event
from audit.services import change, values_of

CREATED = event("api_key.created", _("API key created"))
CHANGED = event("api_key.changed", _("API key changed"))
ENABLED = event("api_key.enabled", _("API key enabled"))
DISABLED = event("api_key.disabled", _("API key disabled"))
RESET = event("api_key.reset", _("API key got a new secret"))
DELETED = event("api_key.deleted", _("API key deleted"))
LOGIN_CHANGED = event("account.key_login_changed", _("API key login of an account changed"))

MOST = 50  # keys of one account
LIMITS = ("name", "expires_at", "read_only", "networks")


class NotYourKey(Refused):
    message = _("Only administrators manage other people's API keys. Ask one of them.")


class KeyCannotDoThis(Refused):
    """A stolen key must not become another, wider or longer one."""

    message = _("An API key can't make keys or change their limits. Sign in with a browser to do this.")


class TooManyKeys(Refused):
    status = 409
    message = _("This account has 50 API keys, which is the most it may have. Delete one first.")


def create_key(
    account: Account,
    name: str,
    *,
    actor: Actor,
    expires_at: datetime | None = None,
    read_only: bool = False,
    networks: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is known only now.

    Raises ValidationError for a name that is taken, NotYourKey, KeyCannotDoThis, TooManyKeys,
    OnlySuperusersEditSuperusers.
    """
    limits = {"expires_at": expires_at, "read_only": read_only, "networks": list(networks)}
    with change(CREATED, actor=actor, target=account, name=name, **limits) as entry:
        check_may_manage(account, actor)
        check_no_key_acts(actor)
        owner = fresh(account)
        if ApiKey.objects.of_account(owner).count() >= MOST:
            raise TooManyKeys
        secret = new_secret()
        key = ApiKey(account=owner, name=name, set_at=actor.at, **limits, **_of_secret(secret))
        _save_unique(key)
        entry.details["visible"] = key.visible
        entry.details["key_id"] = key.pk
    return key, secret


def change_key(key: ApiKey, values: dict[str, Any], *, actor: Actor) -> ApiKey:
    """Change name, expiry, addresses or whether it only reads.

    Raises ValidationError for a name that is taken, NotYourKey, KeyCannotDoThis, OnlySuperusersEditSuperusers.
    """
    with change(CHANGED, actor=actor, target=key, account=str(key.account)) as entry:
        check_may_manage(key.account, actor)
        check_no_key_acts(actor)
        current = _fresh(key)
        wanted = {name: values[name] for name in LIMITS if name in values}
        changes = entry.compare(values_of(current, wanted), wanted)
        for name in changes:
            setattr(current, name, wanted[name])
        if changes:
            _save_unique(current, update_fields=list(changes))
    return current


def set_enabled(key: ApiKey, enabled: bool, *, actor: Actor) -> ApiKey:
    """Let the key in again, or no more from its next request on. A key may put itself out of use, never into it."""
    with change(ENABLED if enabled else DISABLED, actor=actor, target=key, account=str(key.account)) as entry:
        check_may_manage(key.account, actor)
        if enabled:
            check_no_key_acts(actor)
        current = _fresh(key)
        entry.compare({"enabled": current.enabled}, {"enabled": enabled})
        if not entry.silent:
            current.enabled = enabled
            current.save(update_fields=["enabled"])
    return current


def reset_key(key: ApiKey, *, actor: Actor) -> tuple[ApiKey, str]:
    """A new secret under the same name and limits; the old one is dead at once. Of all keys a key may reset itself."""
    with change(RESET, actor=actor, target=key, account=str(key.account)) as entry:
        check_may_manage(key.account, actor)
        if actor.key is None or actor.key.pk != key.pk:
            check_no_key_acts(actor)
        current = _fresh(key)
        secret = new_secret()
        entry.details["visible"] = [current.visible, secret[:VISIBLE]]
        current.set_at = actor.at
        for name, value in _of_secret(secret).items():
            setattr(current, name, value)
        current.save(update_fields=["set_at", "digest", "visible"])
    return current, secret


def delete_key(key: ApiKey, *, actor: Actor) -> None:
    """Its next request is refused; the audit log keeps its name."""
    with change(DELETED, actor=actor, target=_named(key), account=str(key.account), visible=key.visible):
        check_may_manage(key.account, actor)
        _fresh(key).delete()


def set_key_login(account: Account, choice: str, *, actor: Actor) -> Account:
    """Follow the server's switch, or allow or deny keys for this account alone. Raises OnlySuperusersEditSuperusers."""
    with change(LOGIN_CHANGED, actor=actor, target=account) as entry:
        current = fresh(account)
        check_may_edit(current, actor)
        entry.compare({"key_login": current.key_login}, {"key_login": choice})
        current.key_login = choice
        if not entry.silent:
            current.save(update_fields=["key_login"])
    return current


def may_manage(account: Account, actor: Actor) -> bool:
    """One's own keys, always; other people's as an administrator, a superuser's as a superuser."""
    try:
        check_may_manage(account, actor)
    except Refused:
        return False
    return True


def check_may_manage(account: Account, actor: Actor) -> None:
    """Raises NotYourKey, OnlySuperusersEditSuperusers."""
    if is_self(account, actor):
        return
    if isinstance(actor.account, Account) and not actor.account.has_perm("accounts.change"):
        raise NotYourKey
    check_may_edit(account, actor)


def check_no_key_acts(actor: Actor) -> None:
    """Raises KeyCannotDoThis."""
    if actor.key is not None:
        raise KeyCannotDoThis


def _of_secret(secret: str) -> dict[str, str]:
    return {"digest": digest_of(secret), "visible": secret[:VISIBLE]}


def _fresh(key: ApiKey) -> ApiKey:
    """The key as it is now, its row locked until the transaction ends. Raises Gone."""
    return locked(ApiKey.objects.all(), key)


def _named(key: ApiKey) -> ApiKey:
    """A copy that keeps its id: deleting takes it from the row that was deleted."""
    return ApiKey(pk=key.pk, name=key.name, visible=key.visible)


def _save_unique(key: ApiKey, **how: Any) -> None:
    try:
        with transaction.atomic():
            key.save(**how)
    except IntegrityError as error:
        if ApiKey.objects.of_account(key.account).filter(name=key.name).exclude(pk=key.pk).exists():
            sentence = _("This account has an API key of this name. Choose another name.")
            raise ValidationError({"name": sentence}) from error
        raise
