"""A real SAML identity provider (npm samlp) on loopback: a process of the test run's own."""

import json
import queue
import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.services import missing

FOLDER = Path(__file__).parent / "node"
INSTALL = "{} is missing. Install it with: {}"
NODE = INSTALL.format("Node.js", "apt-get install -y --no-install-recommends nodejs npm")
PACKAGES = INSTALL.format("The npm package samlp", "npm --prefix tests/services/node ci")
ANSWERS_WITHIN = 30.0  # seconds
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


class IdentityProvider:
    """``accounts`` maps what a person types to their NameID and attributes. See node/saml.mjs."""

    def __init__(self, name: str = "provider") -> None:
        node = shutil.which("node") or missing(NODE)
        if not (FOLDER / "node_modules" / "samlp").is_dir():
            missing(PACKAGES)
        self._process = subprocess.Popen(
            [node, "saml.mjs"], cwd=FOLDER, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True, name="identity provider").start()
        self.port: int = self._answer()["port"]
        self.entity_id = f"http://127.0.0.1:{self.port}"
        self.metadata = f"{self.entity_id}/metadata"
        self.key, self.certificate = key_and_certificate(name)
        self.parties: dict[str, dict[str, str]] = {}
        self.change(key=self.key, cert=self.certificate)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _answer(self) -> Any:
        try:
            return json.loads(self._lines.get(timeout=ANSWERS_WITHIN))
        except queue.Empty:
            raise RuntimeError(
                "The identity provider does not answer; try: node tests/services/node/saml.mjs"
            ) from None

    def change(self, **changes: Any) -> None:
        """``encrypt``, ``signed`` (requests must be), ``response``, ``assertion`` (what it signs), ``accounts``."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(changes) + "\n")
        self._process.stdin.flush()
        self._answer()

    def knows(self, login: str, name_id: str, **attributes: Any) -> None:
        """One person, who types ``login``."""
        self.change(accounts={login: {"nameId": name_id, "format": PERSISTENT, "attributes": attributes}})

    def register(self, entity_id: str, *, acs: str, slo: str, certificate: str) -> None:
        """A service that may ask for sign-ins."""
        self.parties[entity_id] = {"entityId": entity_id, "acs": acs, "slo": slo, "cert": certificate}
        self.change(parties=self.parties)

    def stop(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()  # it ends with its input, however this process ends
        self._process.wait(10)
        self._process.stdout.close()
