"""A program of tests/services/node on loopback: told what to do by lines of JSON, each answered by one."""

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
NPM = "npm --prefix tests/services/node ci"
ANSWERS_WITHIN = 30.0  # seconds


class NodeProgram:
    """``script`` runs until ``stop``, or until this process ends. Its first line names its ``port``."""

    def __init__(self, script: str, *, package: str) -> None:
        node = shutil.which("node") or missing(NODE)
        if not (FOLDER / "node_modules" / package).is_dir():
            missing(INSTALL.format(f"The npm package {package}", NPM))
        self._script = script
        self._process = subprocess.Popen(
            [node, script], cwd=FOLDER, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True, name=script).start()
        self.port: int = self._answer()["port"]
        self.address = f"http://127.0.0.1:{self.port}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _answer(self) -> Any:
        try:
            return json.loads(self._lines.get(timeout=ANSWERS_WITHIN))
        except queue.Empty:
            raise RuntimeError(f"It does not answer; try: node tests/services/node/{self._script}") from None

    def change(self, **changes: Any) -> None:
        """What may be changed, the script says."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(changes) + "\n")
        self._process.stdin.flush()
        self._answer()

    def stop(self) -> None:
        """Without a trace."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()  # it ends with its input, however this process ends
        self._process.wait(10)
        self._process.stdout.close()
