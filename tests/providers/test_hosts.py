"""Which hosts offline mode lets through."""

from __future__ import annotations

import pytest

from isartor.providers.hosts import allowed_offline, is_loopback, is_private


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "localhost.",
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
    ],
)
def test_loopback(host: str) -> None:
    """Names and addresses of this machine."""
    assert is_loopback(host)
    assert is_private(host)


@pytest.mark.parametrize(
    "host",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "fd00::1",
        "ollama",
        "vllm.internal.corp",
        "nas.local",
        "x.home.arpa",
    ],
)
def test_private(host: str) -> None:
    """Private addresses and names that only a private network resolves."""
    assert is_private(host)
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "api.openai.com",
        "8.8.8.8",
        "172.32.0.1",
        "169.254.169.254",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "evillocalhost.com",
        "",
        # What the HTTP client takes for 8.8.8.8.
        "134744072",
        "0x08080808",
        "8.8.8.0x8",
        "8%2e8%2e8%2e8",
        # And for names of other hosts.
        "example%2ecom",
        "example。com",
        "example.com\\.localhost",
        "example.com\\.internal",
    ],
)
def test_public(host: str) -> None:
    """Everything else, and what only looks private."""
    assert not is_loopback(host)
    assert not is_private(host)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("llm.example.com", True),
        ("LLM.example.com.", True),
        ("a.trusted.org", True),
        ("a.b.trusted.org", True),
        ("trusted.org", False),
        ("eviltrusted.org", False),
        ("example.com", False),
        ("example.com\\.trusted.org", False),
    ],
)
def test_allowed_hosts(host: str, allowed: bool) -> None:
    """An entry allows one host, or with `*.` the names below a domain."""
    assert allowed_offline(host, ["llm.example.com", "*.trusted.org"]) is allowed
