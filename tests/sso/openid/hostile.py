"""An OpenID provider of our own that lies as the test tells it to: a small threaded HTTP server on loopback."""

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT = {"client_id": "agora", "client_secret": "s%c r+t/é"}
_rsa_keys: list[rsa.RSAPrivateKey] = []


def rsa_key(place: int) -> rsa.RSAPrivateKey:
    """One of a few keys, each made once in a run: making one takes a while."""
    while len(_rsa_keys) <= place:
        _rsa_keys.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return _rsa_keys[place]


class Key:
    """A signing key under the name by which it is published; ``published`` is its entry in the key set."""

    def __init__(self, name: str | None, private: Any, algorithm: str = "RS256") -> None:
        self.name, self.private, self.algorithm = name, private, algorithm
        kind = ECAlgorithm if isinstance(private, ec.EllipticCurvePrivateKey) else RSAAlgorithm
        self.published: dict[str, Any] = json.loads(kind.to_jwk(private.public_key())) | {"use": "sig"}
        if name is not None:
            self.published["kid"] = name

    @property
    def pem(self) -> bytes:
        """The public half as text, which some verifiers take for the secret of HS256."""
        public: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return public

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        named = {} if self.name is None else {"kid": self.name}
        return jwt.encode(claims, self.private, self.algorithm, headers=named | header)


def unsigned(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    """A token with any header; the signature is whatever is given."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class Hostile:
    """Tells the truth until told otherwise.

    ``keys`` are published; ``sign`` makes the ID token of its claims; ``claims`` replace or, with None, remove some of
    them; ``about`` is the userinfo; ``answers`` replaces whole answers by path: (status, content type, body).
    """

    def __init__(self, *, key: int = 0) -> None:
        self.keys = [Key("first", rsa_key(key))]
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: self.keys[0].sign(claims)
        self.claims: dict[str, Any] = {}
        self.about: dict[str, Any] = {"sub": "248289", "preferred_username": "vera", "email": "vera@example.com"}
        self.document: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, str, bytes]] = {}
        self.breaks_off: set[str] = set()  # paths where the answer ends before it said it would
        self.codes: dict[str, str] = {}  # code -> nonce, each good for one exchange
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []  # path, form, headers
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.discovery = f"{self.issuer}/.well-known/openid-configuration"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def agree(self, address: str) -> dict[str, str]:
        """What the browser brings back when the person agrees at ``address``; the code is good for one exchange."""
        asked = self.asked_for(address)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked["nonce"]
        return {"code": code, "state": asked["state"]}

    @staticmethod
    def asked_for(address: str) -> dict[str, str]:
        """The parameters of a request for a sign-in."""
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    def id_claims(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        told = {"iss": self.issuer, "aud": CLIENT["client_id"], "sub": "248289", "iat": now, "exp": now + 300}
        told |= {"nonce": nonce, "sid": "s-1"} | self.claims
        return {name: value for name, value in told.items() if value is not None}

    def logout_token(self, **changes: Any) -> str:
        """A logout token as it should be, but for the changes; None removes a claim."""
        now = int(time.time())
        told: dict[str, Any] = {
            "iss": self.issuer, "aud": CLIENT["client_id"], "iat": now, "exp": now + 120, "sub": "248289", "sid": "s-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "jti": f"j-{time.monotonic_ns()}",
        }  # fmt: skip
        told |= changes
        return self.sign({name: value for name, value in told.items() if value is not None})

    # --- What is asked over HTTP --------------------------------------------------------------------------------------

    def answer(self, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str, bytes]:
        self.asked.append((path, form, headers))
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return self._json(self._document())
        if path == "/keys":
            return self._json({"keys": [key.published for key in self.keys]})
        if path == "/token":
            nonce = self.codes.pop(form.get("code", ""), None)
            if nonce is None:
                return self._json({"error": "invalid_grant"}, status=400)
            token = self.sign(self.id_claims(nonce))
            return self._json({"access_token": "opaque", "token_type": "Bearer", "id_token": token})
        return self._json(self.about) if path == "/userinfo" else self._json({}, status=404)

    def _document(self) -> dict[str, Any]:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        } | self.document
        return {name: value for name, value in told.items() if value is not None}

    @staticmethod
    def _json(values: dict[str, Any], status: int = 200) -> tuple[int, str, bytes]:
        return status, "application/json", json.dumps(values).encode()


def _handler(provider: Hostile) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            status, kind, body = provider.answer(urlsplit(self.path).path, form, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            more = 100 if urlsplit(self.path).path in provider.breaks_off else 0
            self.send_header("Content-Length", str(len(body) + more))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """The tests look at ``asked``."""

    return Handler
