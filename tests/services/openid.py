"""A real OpenID provider (npm oidc-provider) on loopback: a process of the test run's own."""

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.services import missing

FOLDER = Path(__file__).parent / "node"
INSTALL = "{} is missing. Install it with: {}"
NODE = INSTALL.format("Node.js", "apt-get install -y --no-install-recommends nodejs npm")
PACKAGES = INSTALL.format("The npm package oidc-provider", "npm --prefix tests/services/node ci")
ANSWERS_WITHIN = 30.0  # seconds


class OpenIdProvider:
    """``accounts`` maps a subject to its claims; who signs in types the subject. See node/openid.mjs."""

    def __init__(self) -> None:
        node = shutil.which("node") or missing(NODE)
        if not (FOLDER / "node_modules" / "oidc-provider").is_dir():
            missing(PACKAGES)
        self._process = subprocess.Popen(
            [node, "openid.mjs"], cwd=FOLDER, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True, name="openid provider").start()
        self.port: int = self._answer()["port"]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.discovery = f"{self.issuer}/.well-known/openid-configuration"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _answer(self) -> Any:
        try:
            return json.loads(self._lines.get(timeout=ANSWERS_WITHIN))
        except queue.Empty:
            raise RuntimeError(
                "The OpenID provider does not answer; try: node tests/services/node/openid.mjs"
            ) from None

    def _change(self, **changes: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(changes) + "\n")
        self._process.stdin.flush()
        self._answer()

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
        self._change(clients=[known | client], accounts=accounts)

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is published no more."""
        self._change(rotate=True)

    def stop(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()  # it ends with its input, however this process ends
        self._process.wait(10)
        self._process.stdout.close()
