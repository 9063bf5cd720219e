"""The settings of LDAP."""

import re
from ipaddress import ip_address
from typing import Any

import ldap.dn
from cryptography import x509
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.forms import Switch
from sso.forms import NARROW
from sso.forms.kind import KindForm
from sso.models import Ldap
from sso.models.ldap import GroupType

DNS = ("admin_bind_dn", "user_search_dn", "group_search_dn", "require_group", "deny_group", "superuser_group")
# As the library takes it: some signs more would name a second server, or another port.
NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?\Z")


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


class LdapForm(KindForm):
    goes_to = ("server_address", "port", "use_tls", "ca_certificate", "admin_bind_dn")
    groups_from = "group_search_dn"

    class Meta:
        model = Ldap
        fields = (
            "server_address", "port", "use_tls", "ca_certificate", "admin_bind_dn", "admin_bind_password",
            "user_search_dn", "user_search_scope", "user_id_attribute", "group_search_dn", "group_search_scope",
            "group_type", "require_group", "deny_group", "superuser_group",
        )  # fmt: skip
        widgets = {
            name: forms.TextInput(attrs=NARROW) for name in (*DNS, "server_address", "user_id_attribute")
        } | {
            "use_tls": Switch,
            "ca_certificate": forms.Textarea(attrs=NARROW | {"rows": 4, "class": "mono"}),
            "port": forms.NumberInput(attrs={"inputmode": "numeric"}),
        }  # fmt: skip
        help_texts = {
            "server_address": gettext_lazy("Name or address, as its certificate says it."),
            "port": gettext_lazy("636 or 3269 for LDAPS; with TLS on any other port StartTLS is used, 389 mostly."),
            "use_tls": gettext_lazy(
                "The certificate is checked. Off, passwords cross the network readable to whoever listens."
            ),
            "ca_certificate": gettext_lazy(
                "PEM text of the authority that signed the server's certificate. Empty: those that this machine trusts."
            ),
            "admin_bind_dn": gettext_lazy("Who searches: cn=admin,dc=example,dc=com. Empty: nobody (anonymous)."),
            "user_search_dn": gettext_lazy("Where people are: ou=people,dc=example,dc=com."),
            "user_id_attribute": gettext_lazy("What people type as username: uid; sAMAccountName in Active Directory."),
            "group_search_dn": gettext_lazy(
                "Where groups are: ou=groups,dc=example,dc=com. Needed for the groups below."
            ),
            "require_group": gettext_lazy("DN. Only its members sign in. Empty: everybody who is found."),
            "deny_group": gettext_lazy("DN. Its members never sign in, whatever other groups they are in."),
            "superuser_group": gettext_lazy("DN. Its members are superusers, and only as long as they are in it."),
        }

    def clean_server_address(self) -> str:
        host: str = self.cleaned_data["server_address"].strip().lower().strip("[]")
        if not NAME.match(host) and not _is_address(host):
            sentence = _("Type only the name or address, such as ldap.example.org; the port has a field of its own.")
            raise ValidationError(sentence)
        return host

    def clean_ca_certificate(self) -> str:
        text: str = self.cleaned_data["ca_certificate"].strip()
        if text:
            try:
                x509.load_pem_x509_certificates(text.encode())
            except ValueError as error:
                raise ValidationError(
                    _("This is no certificate. Paste the text from BEGIN CERTIFICATE to END CERTIFICATE.")
                ) from error
            if "PRIVATE KEY" in text:
                raise ValidationError(_("This holds a private key. Paste the certificate only."))
        return text

    def clean_user_id_attribute(self) -> str:
        name: str = self.cleaned_data["user_id_attribute"].strip()
        if not name.replace("-", "").replace(".", "").isalnum() or not name.isascii():
            raise ValidationError(_("This is no attribute's name. Type one such as uid."))
        return name

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        for name in DNS:
            value = values.get(name, "")
            # Active Directory lets a service bind as user@domain.
            if value and not ldap.dn.is_dn(value) and not (name == "admin_bind_dn" and "@" in value):
                self.add_error(name, _("This is no DN. Type one such as cn=staff,ou=groups,dc=example,dc=com."))
        if values.get("admin_bind_dn") and not values.get("admin_bind_password") and not self.errors:
            self.add_error("admin_bind_password", _("Type the password of the Admin Bind DN."))
        groups = any(values.get(name) for name in ("require_group", "deny_group", "superuser_group"))
        listed = values.get("group_type") != GroupType.MEMBER_OF
        if groups and listed and not values.get("group_search_dn") and "group_search_dn" not in self.errors:
            self.add_error("group_search_dn", _("Say where groups are; the groups below are looked up there."))
        return values

    @property
    def reads_groups(self) -> bool:
        return super().reads_groups or self.cleaned_data.get("group_type") == GroupType.MEMBER_OF

    def needs_secret(self, name: str, values: dict[str, Any]) -> bool:
        return bool(values.get("admin_bind_dn"))
