"""API keys: what scripts and media servers sign in with. A key acts as its account, under the same rules."""

from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, KeyLogin
from accounts.names import validate_name
from settings_admin.models import ServerSettings


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def with_digest(self, digest: str) -> Self:
        """The key whose secret has this digest, with its account and the server's switch: one query."""
        switch = ServerSettings.objects.filter(pk=1).values("allow_api_keys")
        return self.filter(digest=digest).select_related("account").annotate(server_allows=Subquery(switch))

    def of_account(self, account: Account) -> Self:
        return self.filter(account=account).order_by("name", "pk")

    def visible_to(self, person: Account) -> Self:
        """One's own keys; everybody's for those who may see accounts."""
        return self if person.has_perm("accounts.view") else self.filter(account=person)


class ApiKey(models.Model):
    """One key. ``digest`` is all that is stored of its secret; ``visible`` are its first letters.

    ``networks`` are the addresses that it may come from, as CIDR text; none means from anywhere.
    """

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    name = models.CharField(_("Name"), max_length=100, validators=[validate_name])
    digest = models.CharField(max_length=64, unique=True)
    visible = models.CharField(max_length=16)
    enabled = models.BooleanField(default=True)
    read_only = models.BooleanField(_("Read only"), default=False)
    networks = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    set_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_address = models.GenericIPAddressField(null=True)

    server_allows: bool  # from with_digest()
    audit_type = "api_key"
    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="api_key_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="api_key_name_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.visible}…)"

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def accepts(self, address: str | None) -> bool:
        """May it be used from there? A caller without a known address is nowhere."""
        if not self.networks:
            return True
        return address is not None and any(ip_address(address) in ip_network(one) for one in self.networks)


class KeyAddress(models.Model):
    """An address that a key was used from: the first use from each is an entry of the audit log."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=45, blank=True)  # empty: not known, through a Unix socket
    first_used_at = models.DateTimeField()

    class Meta:
        verbose_name = _("address of an API key")
        verbose_name_plural = _("addresses of API keys")
        constraints = [
            models.UniqueConstraint(fields=["key", "address"], name="api_key_address_unique"),
        ]

    def __str__(self) -> str:
        return self.address or "–"


def keys_count(account: Account, *, server_allows: bool) -> bool:
    """May this account use keys: its own setting, or the server's where it inherits."""
    if account.key_login == KeyLogin.INHERIT:
        return server_allows
    return account.key_login == KeyLogin.ALLOW
