"""What `isartor up` prints when it starts."""

from __future__ import annotations

import pytest

from isartor.cli import banner
from isartor.config import Config, Loaded, Secret, Server


def lines(config: Config, *notes: str) -> str:
    """The banner as plain text."""
    loaded = Loaded(config=config, origins={})
    return "\n".join(f"{label:<10}{text}" for label, text, _ in banner.banner(loaded, config, notes=list(notes)))


def test_it_says_where_who_and_what() -> None:
    """URL, auth state, layers and provider are in the banner, and it says what a missing key means."""
    text = lines(Config())
    for part in ("http://127.0.0.1:8080", "only this machine", "L1a exact cache     on", "openai", "503", "up --demo"):
        assert part in text


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (Config(demo=True), ["demo: built in, asks no model"]),
        (Config(gateway_api_key=Secret("hidden")), ["on: clients send the gateway key"]),
        (Config(server=Server(host="0.0.0.0", allow_unauthenticated=True)), ["OFF: whoever", "http://127.0.0.1:8080"]),
        (Config(server=Server(host="::1", port=1)), ["http://[::1]:1"]),
        (Config(cache_mode="semantic"), ["L1a exact cache     off"]),
        (Config(offline_mode=True), ["OFFLINE MODE", "private addresses only"]),
        (Config(inactive=("a", "b")), ["set but not in effect in this version: a, b"]),
        (Config(warnings=("look",)), ["look"]),
        (Config(external_llm_url="https://x.example:1/v1?key=hidden"), ["openai at x.example:1"]),
        (Config(llm_provider="anthropic"), ["$ANTHROPIC_API_KEY"]),
    ],
)
def test_it_follows_the_configuration(config: Config, parts: list[str]) -> None:
    """Each setting that matters shows, and no secret does."""
    text = lines(config)
    assert "hidden" not in text
    for part in parts:
        assert part in text


def test_it_fits_eighty_columns() -> None:
    """Long notes are wrapped, so that no line is wider than a small terminal."""
    config = Config(inactive=tuple(f"some.key_number_{n}" for n in range(30)), warnings=("word " * 60,))
    assert max(len(line) for line in lines(config, "another note " * 20).splitlines()) <= 80


@pytest.mark.parametrize(
    ("config", "keyless"),
    [
        (Config(), True),
        (Config(demo=True), False),
        (Config(external_llm_api_key=Secret("k")), False),
        (Config(llm_provider="ollama"), False),
        (Config(llm_provider="custom", external_llm_url="http://10.0.0.1:8000"), False),
        (Config(llm_provider="gemini"), True),
        (Config(llm_provider="openai", external_llm_url="https://api.openai.com/v1"), True),
        (Config(llm_provider="copilot", external_llm_url="http://10.0.0.1:8000"), True),
        (
            Config(llm_provider="azure", external_llm_url="https://r.openai.azure.com", azure_deployment_id="d"),
            True,
        ),
    ],
)
def test_it_knows_what_the_providers_know(config: Config, *, keyless: bool) -> None:
    """The banner takes a provider for ready exactly when the provider does."""
    from isartor.cli import provider
    from isartor.providers import registry
    from isartor.providers.base import Settings

    settings = Settings(
        provider="demo" if config.demo else config.llm_provider,
        url=config.external_llm_url,
        api_key=config.external_llm_api_key,
        azure_deployment_id=config.azure_deployment_id,
    )
    assert provider.keyless(config) == keyless
    assert (registry.build(settings).status()["state"] == "no_api_key") == keyless


@pytest.mark.parametrize("tty", [True, False])
def test_it_prints_on_a_terminal_and_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, tty: bool
) -> None:
    """Both ways of printing give the same lines."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: tty)
    monkeypatch.setenv("NO_COLOR", "1")
    banner.show(Loaded(config=Config(), origins={}), Config(), notes=["[red]no markup[/red]"])
    out = capsys.readouterr().out
    assert "http://127.0.0.1:8080" in out
    assert "[red]no markup[/red]" in out
