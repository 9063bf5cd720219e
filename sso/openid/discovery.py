"""What a provider says about itself (OpenID Connect Discovery 1.0), kept for five minutes in each process."""

import threading
import time
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from sso.claims import ProviderBusy, ProviderRefused, ProviderSilent
from sso.fetch import Answer, NoAnswer, fetch, scheme_of

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT = 300.0  # seconds; on the way back, where the provider was well a moment ago
FRESH = 30.0  # seconds; before somebody is sent to a provider that may be down by now
# Signed with a key that only the provider has. With HS256 everybody who knows the client's secret could sign, "none" is
# no signature (RFC 8725, 3.1 and 3.2).
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True)
class Endpoints:
    """``issuer`` as it must stand in each token; addresses, "" where the provider has none."""

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str = ""
    end_session: str = ""
    algorithms: tuple[str, ...] = ALGORITHMS
    names_itself: bool = False  # the way back names the issuer (RFC 9207)
    basic: bool = True  # the client's secret goes into the header, not the form (RFC 6749, 2.3.1)


_known: dict[str, tuple[float, Endpoints]] = {}
_lock = threading.Lock()


def discover(url: str, *, within: float = KEPT) -> Endpoints:
    """The endpoints that stand at this address, as they were seen within so many seconds; 0 asks anew.

    Raises ProviderRefused, ProviderSilent.
    """
    with _lock:
        seen, found = _known.get(url, (0.0, None))
    if found is not None and time.monotonic() - seen < within:
        return found
    found = read(ask(url, paused=within > 0), url)
    with _lock:
        _known[url] = (time.monotonic(), found)
    return found


def forget() -> None:
    """Ask everybody anew."""
    with _lock:
        _known.clear()


def ask(url: str, **how: Any) -> dict[str, Any]:
    """The object at this address. Raises ProviderRefused; ProviderSilent where there is none to be had."""
    answer = fetched(url, headers={"Accept": "application/json"}, **how)
    if answer.status != 200:
        raise ProviderSilent(_("%(url)s answered %(status)d.") % {"url": url, "status": answer.status})
    return read_json(answer)


def fetched(url: str, **how: Any) -> Answer:
    """Whatever is answered at this address. Raises ProviderRefused, ProviderSilent."""
    try:
        return fetch(encrypted(url), **how)
    except NoAnswer as error:
        raise (ProviderBusy if error.code == "busy" else ProviderSilent)(str(error)) from error


def read_json(answer: Answer) -> dict[str, Any]:
    """The object that was answered. Raises ProviderSilent."""
    try:
        return answer.json()
    except NoAnswer as error:
        raise ProviderSilent(str(error)) from error


def encrypted(url: str) -> str:
    """The address, when what is said there can't be changed on the way; on the same machine nobody is in between."""
    scheme = scheme_of(url)
    if scheme == "https" or (scheme == "http" and _is_this_machine(urlsplit(url).hostname or "")):
        return url
    raise ProviderRefused("not_https", _("%(url)s does not begin with https://.") % {"url": url[:200]})


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read(document: dict[str, Any], url: str) -> Endpoints:
    """The document that was found at ``url``. Raises ProviderRefused: another issuer's, or incomplete."""
    issuer, home = document.get("issuer"), url.partition("?")[0].removesuffix(WELL_KNOWN)
    if not isinstance(issuer, str) or issuer.removesuffix("/") != home.removesuffix("/"):
        sentence = _("The document at %(url)s is that of the issuer %(issuer)s, which lives elsewhere.")
        raise ProviderRefused("wrong_issuer", sentence % {"url": url, "issuer": str(issuer)[:200]})
    offered = document.get("id_token_signing_alg_values_supported")
    algorithms = tuple(name for name in ALGORITHMS if not isinstance(offered, list) or name in offered)
    if not algorithms:
        raise ProviderRefused("algorithm", _("The provider signs its tokens with none of RS, PS, ES and EdDSA."))
    methods = document.get("token_endpoint_auth_methods_supported")
    return Endpoints(
        issuer=issuer,
        authorization=_address(document, "authorization_endpoint"),
        token=_address(document, "token_endpoint"),
        keys=_address(document, "jwks_uri"),
        userinfo=_address(document, "userinfo_endpoint", required=False),
        end_session=_address(document, "end_session_endpoint", required=False),
        algorithms=algorithms,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        basic=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


def _address(document: dict[str, Any], name: str, *, required: bool = True) -> str:
    value = document.get(name, "")
    if isinstance(value, str) and (value or not required):
        return encrypted(value) if value else ""
    raise ProviderRefused("discovery", _("The provider's document names no %(name)s.") % {"name": name})
