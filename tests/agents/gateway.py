"""The gateway as a user starts it, in front of the stub provider, and its own account of what it did."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from tests.agents import sandbox
from tests.agents.agent import Entry

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

KEY = "agents-gateway-key"
PROVIDER_KEY = "agents-provider-key"
_PORT = 8080
_START_SECS = 30.0
_STOP_SECS = 15.0


class GatewayError(Exception):
    """The gateway did not start, or did not stop as it should."""


class Gateway:
    """One gateway process; a context manager.

    Its home is empty and it asks for a key, so every case starts with a cold cache and goes through L0.
    """

    def __init__(self, provider: str, upstream: str, home: Path) -> None:
        """Set up for one provider at the stub's address."""
        self.url = f"http://127.0.0.1:{_PORT}"
        self._home = sandbox.fresh(home)
        self._log = home / "gateway.log"
        self._environment = sandbox.environment(
            home,
            {
                "ISARTOR__LLM_PROVIDER": provider,
                "ISARTOR__EXTERNAL_LLM_URL": upstream,
                "ISARTOR__EXTERNAL_LLM_API_KEY": PROVIDER_KEY,
                "ISARTOR__GATEWAY_API_KEY": KEY,
            },
        )

    def __enter__(self) -> Self:
        """Start it, and return when it answers."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "isartor", "up", "--port", str(_PORT)],
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        limit = time.monotonic() + _START_SECS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                self._process.kill()
                msg = "the gateway did not start:\n" + self.log()
                raise GatewayError(msg)
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it as a service manager would; it has to end by itself with exit code 0."""
        self._process.terminate()
        try:
            code = self._process.wait(_STOP_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            code = None
        if error is None and code != 0:
            msg = f"after SIGTERM the gateway's exit code was {code}, not 0:\n{self.log()}"
            raise GatewayError(msg)

    def log(self) -> str:
        """Return what it printed."""
        return self._log.read_text("utf-8", "replace")

    def entries(self) -> list[Entry]:
        """Return the recent requests that it accounts for, oldest first."""
        found = self._get("/debug/stats/prompts?limit=200")["recent"]
        names = ("timestamp", "route", "final_layer", "tool", "status_code")
        return sorted(Entry(*(entry[name] for name in names)) for entry in found)

    def hits(self, tool: str) -> int:
        """Return how often it answered this agent from L1a."""
        return int(self._get("/debug/stats/agents")["agents"].get(tool, {}).get("l1a_hits", 0))

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"X-API-Key": KEY})
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:
                return json.load(reply)
        except OSError as error:
            ended = self._process.poll()
            state = "is running" if ended is None else f"ended with {ended}"
            msg = f"GET {path}: {error}; the gateway {state}:\n{self.log()}"
            raise GatewayError(msg) from None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(self.url + "/healthz", timeout=1):
            return True
        return False
