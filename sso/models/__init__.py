"""The tables of single sign-on."""

from sso.models.begun import Begun
from sso.models.identity import GroupRole, Identity
from sso.models.ldap import Ldap
from sso.models.openid import OpenIdConnect
from sso.models.provider import Kind, Provider
from sso.models.report import Report
from sso.models.saml import Saml, SigningKey
from sso.models.seen import Seen

__all__ = ["Begun", "GroupRole", "Identity", "Kind", "Ldap", "OpenIdConnect", "Provider", "Report", "Saml", "Seen",
           "SigningKey"]  # fmt: skip
