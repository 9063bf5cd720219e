"""A real SAML identity provider (npm samlp) on loopback: a process of the test run's own."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.services.npm import NodeProgram

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


@cache
def key_and_certificate(name: str) -> tuple[str, str]:
    """A private key and its own certificate, both as PEM; the same pair for the same name."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=subject, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
    made = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), made.public_bytes(serialization.Encoding.PEM).decode()


class IdentityProvider(NodeProgram):
    """``accounts`` maps what a person types to their NameID and attributes. See node/saml.mjs.

    To change: ``encrypt``, ``signed`` (requests must be), ``response``, ``assertion`` (what it signs), ``accounts``.
    """

    def __init__(self, name: str = "provider") -> None:
        super().__init__("saml.mjs", package="samlp")
        self.entity_id = self.address
        self.metadata = f"{self.entity_id}/metadata"
        self.key, self.certificate = key_and_certificate(name)
        self.parties: dict[str, dict[str, str]] = {}
        self.change(key=self.key, cert=self.certificate)

    def knows(self, login: str, name_id: str, **attributes: Any) -> None:
        """One person, who types ``login``."""
        self.change(accounts={login: {"nameId": name_id, "format": PERSISTENT, "attributes": attributes}})

    def register(self, entity_id: str, *, acs: str, slo: str, certificate: str) -> None:
        """A service that may ask for sign-ins."""
        self.parties[entity_id] = {"entityId": entity_id, "acs": acs, "slo": slo, "cert": certificate}
        self.change(parties=self.parties)
