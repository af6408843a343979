"""`isartor stats` against a gateway that answers as told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from typer.testing import CliRunner

from isartor.cli.app import app
from isartor.cli.main import main
from tests.cli.running import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEALTH = {"status": "ok", "version": "9.9.9"}
RECENT = {
    "timestamp": "2026-11-20T09:00:00Z",
    "traffic_surface": "gateway",
    "client": "openai",
    "route": "/v1/chat/completions",
    "final_layer": "l1a",
    "latency_ms": 0.21,
    "status_code": 200,
}
PROMPTS = {
    "total_prompts": 7,
    "total_deflected_prompts": 3,
    "by_layer": {"l1a": 3, "l3": 4},
    "by_surface": {"gateway": 7},
    "by_client": {"openai": 5, "[red]evil\x1b[31m[/red]": 2},
    "by_tool": {"claude-code": 7},
    "recent": [RECENT],
}
AGENTS = {
    "agents": {
        "claude-code": {
            "requests": 7,
            "cache_hits": 3,
            "cache_misses": 4,
            "average_latency_ms": 12.345,
            "retry_count": 0,
            "error_count": 1,
        }
    }
}


OBSERVED = {"rate": 0.01, "low": 0.0027, "high": 0.0357, "audits": 200}
SEMANTIC = {
    "looked": 5000,
    "served": 1000,
    "expected_error_rate": 0.0061,
    "observed_error_rate": OBSERVED,
    "audits": {"chosen": 210, "agree": 198, "disagree": 2, "unclear": 4, "skipped": 0},
    "reports": 1,
}


class Handler(BaseHTTPRequestHandler):
    """Answers the four routes; all but the first only with the key."""

    protocol_version = "HTTP/1.1"
    key: ClassVar[str | None] = None
    asked: ClassVar[list[tuple[str, str | None]]] = []
    semantic: ClassVar[dict[str, Any] | None] = SEMANTIC

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        self.asked.append((self.path, self.headers.get("x-api-key")))
        pages: dict[str, Any] = {"/health": HEALTH, "/debug/stats/prompts": PROMPTS, "/debug/stats/agents": AGENTS}
        if self.semantic is not None:
            pages["/debug/stats/semantic"] = self.semantic
        refused = self.key is not None and path != "/health" and self.headers.get("x-api-key") != self.key
        body = b"{}" if refused else json.dumps(pages.get(path, {})).encode()
        self.send_response(401 if refused else 200 if path in pages else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def gateway(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A gateway that is only an answering machine; the environment names a proxy that must not be used."""
    assert place.exists()
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr(Handler, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_tables_fit_and_tell(gateway: str) -> None:
    """Totals, layers, surfaces, clients and recent requests are shown within 80 columns, and text stays text."""
    result = CliRunner().invoke(app, ["stats", "--gateway-url", gateway, "--by-tool", "--recent-limit", "3"])
    assert result.exit_code == 0, result.output
    for part in ("Total      7", "Deflected  3 (43%)", "L1A", "claude-code", "43%", "12.3", "HTTP 200"):
        assert part in result.stdout
    assert "[red]evil" in result.stdout
    assert "\x1b" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert ("/debug/stats/prompts?limit=3", None) in Handler.asked


def test_the_semantic_cache_tells_what_was_observed(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The observed error rate with interval and audits; before the first audit it is unknown, and not zero."""

    def shown() -> str:
        result = CliRunner().invoke(app, ["stats", "--gateway-url", gateway])
        assert result.exit_code == 0, result.output
        assert max(len(line) for line in result.stdout.splitlines()) <= 80
        return result.stdout

    out = shown()
    assert "1000 of 5000 looked up" in out
    assert "198 agree, 2 disagree, 4 unclear" in out
    assert "1.00% observed (95 % interval 0.27% to 3.57%, 200 audits)" in out
    none = {"rate": None, "low": None, "high": None, "audits": 0}
    monkeypatch.setattr(Handler, "semantic", {**SEMANTIC, "observed_error_rate": none})
    assert "no audits yet" in shown()
    monkeypatch.setattr(Handler, "semantic", None)
    assert "Semantic Cache" not in shown()


def test_json_is_what_the_gateway_said(gateway: str) -> None:
    """`--json` gives the answers unchanged, for programs."""
    result = CliRunner().invoke(app, ["stats", "--json"], env={"ISARTOR_GATEWAY_URL": gateway})
    assert result.exit_code == 0
    expected = {"gateway_url": gateway, "health": HEALTH, "prompts": PROMPTS, "agents": AGENTS["agents"]}
    expected["semantic"] = SEMANTIC
    assert json.loads(result.stdout) == expected


def test_the_own_key_goes_to_the_own_gateway_only(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured key is sent to the configured gateway, not to another one; a given key goes where it is told."""
    monkeypatch.setattr(Handler, "key", "secret-key")
    monkeypatch.setenv("ISARTOR__GATEWAY_API_KEY", "secret-key")
    port = gateway.rpartition(":")[2]
    assert CliRunner().invoke(app, ["stats", "--json"], env={"ISARTOR__PORT": port}).exit_code == 0
    given = ["stats", "--json", "--gateway-url", gateway, "--gateway-api-key", "secret-key"]
    assert CliRunner().invoke(app, given).exit_code == 0
    Handler.asked.clear()
    assert CliRunner().invoke(app, ["stats", "--json", "--gateway-url", gateway]).exit_code == 1
    assert {key for _, key in Handler.asked} == {None}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:{free}", "no gateway answers at"),
        ("ftp://x", "is not the URL of a gateway"),
        ("http://x:y", "not"),
    ],
)
def test_a_gateway_that_is_not_there(place: Path, url: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong URL or a gateway that is down is one line and exit code 1."""
    assert place.exists()
    with pytest.raises(SystemExit) as caught:
        main(["stats", "--gateway-url", url.format(free=free_port())])
    assert caught.value.code == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_refused_key_is_explained(
    gateway: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gateway that wants a key is told apart from one that is down."""
    monkeypatch.setattr(Handler, "key", "k")
    with pytest.raises(SystemExit):
        main(["stats", "--gateway-url", gateway])
    assert "refuses the key" in capsys.readouterr().err
