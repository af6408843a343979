"""`isartor config show` with tables: all of them, and no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.running import Shell

FILE = """
external_llm_api_key = "hunter2"

[[provider_keys]]
key = "hunter2-a"
label = "first"

[[fallback_providers]]
provider = "groq"
url = "http://groq.example/?token=hunter2"
api_key = "hunter2-b"

[[fallback_providers.provider_keys]]
key = "hunter2-c"

[[gateway_keys]]
key = "hunter2-d"
label = "team"

[quota.openai]
daily_token_limit = 5

[usage_pricing."openai/m"]
input_cost_per_million_usd = 1
"""


def test_tables_are_shown_without_their_secrets(shell: Shell) -> None:
    """Each table has a row with what is set in it, and a secret is shown as ***, however deep it stands."""
    (shell.cwd / "isartor.toml").write_text(FILE)
    table = shell.run("config", "show", COLUMNS="200")
    document = shell.run("config", "show", "--json", ISARTOR__QUOTA__XAI__DAILY_TOKEN_LIMIT="7")
    assert (table.returncode, document.returncode) == (0, 0)
    assert "hunter2" not in table.stdout + document.stdout
    for name in ("provider_keys[0]", "fallback_providers[0]", "gateway_keys[0]", "quota.openai", "openai/m"):
        assert name in table.stdout
    shown = json.loads(document.stdout)["settings"]
    assert shown["provider_keys"]["value"] == [{"key": "***", "priority": 1, "label": "first"}]
    (fallback,) = shown["fallback_providers"]["value"]
    assert (fallback["api_key"], fallback["provider_keys"][0]["key"]) == ("***", "***")
    assert fallback["url"] == "http://groq.example/?***"
    assert shown["quota"]["value"]["openai"]["daily_token_limit"] == 5
    assert shown["quota"]["from"] == "ISARTOR__QUOTA__XAI__DAILY_TOKEN_LIMIT"
