"""`isartor check`: real pings to stand-ins for providers."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from isartor.cli.app import app
from tests.cli.gateways import told
from tests.cli.running import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD, BAD = "sk-good-1234567890", "sk-bad-0987654321"


class Upstream:
    """A provider that takes one key."""

    port = 0

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with _serving() as served:
        yield served


@contextmanager
def _serving() -> Iterator[Upstream]:
    served = Upstream()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("authorization", "").removeprefix("Bearer ")
            served.seen.append((self.path, key))
            self.send_response(200 if key in {GOOD, ""} else 401)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write(place: Path, text: str, port: int | None = None) -> None:
    (place / "work" / "isartor.toml").write_text(f"port = {port or free_port()}\n{text}")


@pytest.mark.parametrize("name", ["check", "ping", "connectivity-check"])
def test_all_is_well(place: Path, upstream: Upstream, name: str) -> None:
    """Under each of its names: the key is accepted, nothing leaves the machine, exit code 0."""
    write(place, f'external_llm_url = "http://127.0.0.1:{upstream.port}"\nexternal_llm_api_key = "{GOOD}"\n')
    result = CliRunner().invoke(app, [name])
    assert result.exit_code == 0, result.stdout
    for part in ("Primary: openai  [CONFIGURED]", "sk-g…7890: ok, status 200", "Air gap   YES", "all is well"):
        assert part in result.stdout
    assert upstream.seen == [("/v1/models", GOOD)]
    assert GOOD not in result.stdout


def test_every_key_is_tried(place: Path, upstream: Upstream) -> None:
    """With its label; one that is refused is exit code 1, and so is a provider without a key."""
    write(
        place,
        f'external_llm_url = "http://127.0.0.1:{upstream.port}/?key=hidden"\n'
        f'[[provider_keys]]\nkey = "{GOOD}"\nlabel = "one"\n[[provider_keys]]\nkey = "{BAD}"\nlabel = "two"\n'
        '[[fallback_providers]]\nprovider = "anthropic"\n',
    )
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    for part in ('"one": ok', '"two": FAILED', "refused (status 401)", "[NOT CONFIGURED]", "fallback_providers[0]"):
        assert part in result.stdout
    assert sorted(key for _, key in upstream.seen) == sorted([GOOD, BAD])
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "hidden" not in result.stdout


def test_a_provider_that_is_not_there_is_told(place: Path) -> None:
    """Exit code 1, and why."""
    write(place, f'llm_provider = "ollama"\nexternal_llm_url = "http://127.0.0.1:{free_port()}"\n')
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    assert "could not be reached" in " ".join(result.stdout.split())


def test_offline_mode_is_no_failure(place: Path, upstream: Upstream) -> None:
    """What it blocks is said and not asked; private addresses are asked as ever."""
    write(
        place,
        f'offline_mode = true\nexternal_llm_api_key = "k"\n[[fallback_providers]]\nprovider = "ollama"\n'
        f'url = "http://127.0.0.1:{upstream.port}"\n',
    )
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0, result.stdout
    assert "BLOCKED: offline mode is active" in result.stdout
    assert "Air gap   YES" in result.stdout
    assert len(upstream.seen) == 1


def test_services_are_asked_as_well(place: Path, upstream: Upstream) -> None:
    """The server of the embeddings, if there is one."""
    url = f"http://127.0.0.1:{upstream.port}"
    write(
        place,
        f'external_llm_url = "{url}"\nexternal_llm_api_key = "{GOOD}"\n'
        f'[semantic_cache]\nprovider = "tei"\nremote_url = "{url}"\n',
    )
    result = CliRunner().invoke(app, ["check", "--json"])
    document = json.loads(result.stdout)
    assert (result.exit_code, document["well"], document["outside"]) == (0, True, [])
    assert document["services"][0]["tried"][0]["ping"]["status_code"] == 200
    assert ("/health", "") in upstream.seen


def test_quotas_are_shown(place: Path, upstream: Upstream) -> None:
    """From the running gateway, or from what is written down; looking makes no folder."""
    text = (
        f'external_llm_url = "http://127.0.0.1:{upstream.port}"\nexternal_llm_api_key = "{GOOD}"\n'
        "[quota.openai]\ndaily_token_limit = 1000\n"
    )
    write(place, text)
    assert "0 of 1,000 tokens" in CliRunner().invoke(app, ["check"]).stdout
    assert not (place / "home" / ".isartor").exists()
    status = [{"provider": "openai", "lines": ["told by the gateway"]}, {"provider": "x", "lines": ["another's"]}]
    with told({"/api/admin/usage/breakdown": {"quota_status": status}}) as gateway:
        write(place, text, gateway.port)
        shown = CliRunner().invoke(app, ["check"]).stdout
    assert "told by the gateway" in shown
    assert "another's" not in shown


def test_what_is_outside_is_named(place: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address outside of the private network, so that whoever must know can read it."""
    monkeypatch.setattr("isartor.cli.audit.is_private", lambda host: False)
    write(place, f'external_llm_url = "http://127.0.0.1:{upstream.port}"\nexternal_llm_api_key = "{GOOD}"\n')
    shown = CliRunner().invoke(app, ["check"]).stdout
    assert f"Air gap   NO: connects to http://127.0.0.1:{upstream.port}" in shown


def test_a_look_at_the_quotas_leaves_no_trace(place: Path, upstream: Upstream) -> None:
    """A quota that only `check` has seen is a new one for the next gateway, which counts what was used before."""
    write(
        place,
        f'external_llm_url = "http://127.0.0.1:{upstream.port}"\nexternal_llm_api_key = "{GOOD}"\n'
        "[quota.openai]\ndaily_token_limit = 1000\n",
    )
    folder = place / "home" / ".isartor"
    folder.mkdir()
    assert "0 of 1,000 tokens" in CliRunner().invoke(app, ["check"]).stdout
    assert not list(folder.iterdir())
