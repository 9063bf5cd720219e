"""A security key in plain Python (WebAuthn level 2): what a browser would hand on from a real one, and what a thief
could make of it."""

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse
from django.test import Client

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40  # flags of the authenticator data, section 6.1
MINE, SIGN_IN = "/profile/passkeys/", "/sign-in/passkey/"


def plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SecurityKey:
    """One key pair; it answers challenges of the server that it was registered with."""

    def __init__(self, origin: str = "http://testserver") -> None:
        self.origin, self.id, self.used = origin, secrets.token_bytes(16), 0
        self.private = ec.generate_private_key(ec.SECP256R1())

    def made(self, options: Any) -> str:
        """The answer to a registration, with attestation "none"."""
        numbers = self.private.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})  # COSE, RFC 9053: ES256
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(options["rp"]["id"], PRESENT | VERIFIED | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._credential(clientDataJSON=client, attestationObject=attestation)

    def signed(self, options: Any) -> str:
        """The answer to a challenge."""
        self.used += 1
        data = self._data(options["rpId"], PRESENT | VERIFIED)
        client = self._client("webauthn.get", options["challenge"])
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, name: str, flags: int) -> bytes:
        return hashlib.sha256(name.encode()).digest() + bytes([flags]) + self.used.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, **response: bytes) -> str:
        parts = {name: plain(value) for name, value in response.items()}
        named = {"id": plain(self.id), "rawId": plain(self.id), "type": "public-key"}
        return json.dumps(named | {"response": parts, "clientExtensionResults": {}})


def register(client: Client, key: SecurityKey, name: str = "Key ring", **proof: str) -> HttpResponse:
    """What the page's script does: ask, have the key make, send. The answer of the first step where it is refused."""
    sent = {"name": name, **proof}
    begun = client.post(f"{MINE}register/begin/", sent)
    if begun.status_code != 200:
        return begun
    return client.post(f"{MINE}register/complete/", sent | {"credential": key.made(begun.json())})


def sign(client: Client, key: SecurityKey, begin: str = f"{SIGN_IN}begin/") -> str:
    """A challenge of this browser's, signed."""
    return key.signed(client.post(begin).json())
