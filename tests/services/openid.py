"""A real OpenID provider (npm oidc-provider) on loopback: a process of the test run's own."""

from typing import Any

from tests.services.npm import NodeProgram


class OpenIdProvider(NodeProgram):
    """``accounts`` maps a subject to its claims; who signs in types the subject. See node/openid.mjs."""

    def __init__(self) -> None:
        super().__init__("openid.mjs", package="oidc-provider")
        self.issuer = self.address
        self.discovery = f"{self.issuer}/.well-known/openid-configuration"

    def set_up(self, *, agora: str, alias: str, accounts: dict[str, dict[str, Any]], **client: Any) -> None:
        """Knows these people, and one client: the provider ``alias`` of the server at the address ``agora``."""
        known = {
            "client_id": "agora",
            "client_secret": "only between the two of them",
            "redirect_uris": [f"{agora}/sso/{alias}/callback/"],
            "post_logout_redirect_uris": [f"{agora}/sign-in/"],
            "backchannel_logout_uri": f"{agora}/sso/{alias}/back-channel-logout/",
            "backchannel_logout_session_required": True,
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "scope": "openid profile email groups",
        }
        self.change(clients=[known | client], accounts=accounts)

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is published no more."""
        self.change(rotate=True)
