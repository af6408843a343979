"""`isartor providers` with and without a gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from isartor.cli.app import app
from isartor.cli.main import main
from tests.cli.gateways import told
from tests.cli.running import free_port

if TYPE_CHECKING:
    from pathlib import Path

KEY = {"masked_key": "sk-a…1111", "label": "one", "priority": 1, "status": "cooling_down"}
ROW = {
    "name": "openai",
    "active": True,
    "status": "failing",
    "model": "a-model-with-a-name-that-is-longer-than-a-column-should-be/v3",
    "endpoint": "api.openai.com",
    "api_key_configured": True,
    "requests_total": 12,
    "errors_total": 3,
    "breaker": "closed",
    "keys": [KEY | {"requests_total": 12, "rate_limit_total": 2, "cooldown_until": "2026-11-21T16:00:00Z"}],
    "last_success": "2026-11-21T15:00:00Z",
    "last_error": "2026-11-21T15:30:00Z",
    "last_error_message": "[red]status 429\x1b[31m " + "and a long story " * 8,
}
PAGE: dict[str, Any] = {
    "active_provider": "openai",
    "providers": [
        ROW,
        ROW | {"name": "groq", "active": False, "breaker": "open", "keys": []},
        {"name": "xai", "api_key_configured": False, "status": "unknown", "endpoint": "api.x.ai", "model": "grok"},
    ],
}


def test_a_gateways_providers_are_shown(place: Path) -> None:
    """State, model, counts and keys, within 80 columns; what a provider said cannot steer the terminal."""
    with told({"/debug/providers": PAGE}) as gateway:
        result = CliRunner().invoke(app, ["providers", "--gateway-url", gateway.url])
    assert result.exit_code == 0
    for part in ("failing", "resting", "no key", 'sk-a…1111 "one": cooling_down', "2 limited", "[red]status 429"):
        assert part in " ".join(result.stdout.split())
    assert "\x1b" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_without_a_gateway_the_configuration_is_shown(place: Path) -> None:
    """And said to be; the keys are masked."""
    (place / "work" / "isartor.toml").write_text(
        f'port = {free_port()}\nllm_provider = "groq"\nexternal_llm_api_key = "gsk-1234567890abcd"\n'
        '[[fallback_providers]]\nprovider = "anthropic"\n'
    )
    plain = CliRunner().invoke(app, ["providers"])
    assert plain.exit_code == 0
    assert "no gateway answers" in plain.stdout
    assert "gsk-…abcd" in plain.stdout
    document = json.loads(CliRunner().invoke(app, ["providers", "--json"]).stdout)
    assert document["source"] == "local_config"
    assert [row["name"] for row in document["status"]["providers"]] == ["groq", "anthropic"]
    assert [row["api_key_configured"] for row in document["status"]["providers"]] == [True, False]
    assert "1234567890" not in json.dumps(document) + plain.stdout


def test_json_is_the_page(place: Path) -> None:
    """With its source."""
    with told({"/debug/providers": PAGE}) as gateway:
        result = CliRunner().invoke(app, ["providers", "--json", "--gateway-url", gateway.url])
    assert json.loads(result.stdout) == {"source": "gateway", "status": PAGE}


def test_a_refused_key_is_no_missing_gateway(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway answers, so nothing else may be shown in its place."""
    with told({"/debug/providers": PAGE}, key="right") as gateway, pytest.raises(SystemExit) as ended:
        main(["providers", "--gateway-url", gateway.url])
    assert ended.value.code == 1
    assert "refuses the key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ('gateway_api_key = "single"\n[[gateway_keys]]\nkey = "first"\nlabel = "a"\n', "single"),
        (
            '[[gateway_keys]]\nkey = "first"\nlabel = "a"\n[[gateway_keys]]\nkey = "second"\nlabel = "b"\n',
            "first",
        ),
        ("", None),
    ],
)
def test_the_operators_key_is_sent_to_the_local_gateway(place: Path, settings: str, sent: str | None) -> None:
    """`gateway_api_key`, or else the first of `gateway_keys`; never to another gateway."""
    with told({"/debug/providers": PAGE}) as gateway, told({"/debug/providers": PAGE}) as other:
        (place / "work" / "isartor.toml").write_text(f"port = {gateway.port}\n{settings}")
        assert CliRunner().invoke(app, ["providers"]).exit_code == 0
        assert CliRunner().invoke(app, ["providers", "--gateway-url", other.url]).exit_code == 0
    assert {key for _, key in gateway.asked} == {sent}
    assert {key for _, key in other.asked} == {None}
