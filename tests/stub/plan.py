"""What the stub is to answer: directives found in a request, or given by a control call.

A directive is `[[name]]` or `[[name=value]]` in the text of the last user turn. Two bare words stand for the two that
agents are asked for: `USE_TOOL` (`USE_TOOLS`: two calls at once) and `THINK`. A control call adds directives to the next
requests instead, for what has no body to carry them. All times are milliseconds.

=================== ========================================================================================
`chunks=N`          number of text pieces (5)
`text=WORDS`        the answer's text, in one piece, instead of one that is unique
`size=N`            pads every text piece to N bytes
`delay_ms=N`        pause before every piece of the body
`head_delay_ms=N`   pause before the head
`hold=N`            after N events wait for `Stub.release(gate)`; `hold=head` waits before the head
`gate=NAME`         the gate that `hold` waits at (the empty name)
`tools=N`           N tool calls (`USE_TOOL`: 1, `USE_TOOLS`: 2)
`think`             reasoning before the answer (`THINK`); `redacted` adds a redacted block (Anthropic)
`n=N`               number of choices or candidates, where the request does not say
`finish=REASON`     the finish reason, in the surface's own words
`web_search`        the reply holds a search the provider made; `code_execution`, `mcp` likewise
`annotations`       citations of web pages in the text, without a search item
`error_event=N`     after N events comes the surface's error event, and the end
`cut=N`             after N events the connection closes without ending the body
`cut_clean=N`       after N events the body ends as if complete
`half_json`         half of a JSON body, then the connection closes; `half_json_clean`: half a body, said to be whole
`garbage_http`      bytes that are no HTTP; `garbage_json`: 200 with a body that is no JSON; `garbage_sse`: 200 with
                    an event stream that holds none; `empty`: 200 without a body; `html`: 200 with a web page
`error_body`        200 with an error object as the body
`close`             the connection closes before a byte is sent; `reset`: it is reset
`never`             nothing is sent, ever
`status=N`          an error of that status in the surface's shape; `retry_after=N` goes with it, in seconds
`redirect=URL`      302 to the address
`json`              JSON although a stream was asked for; `stream`: a stream although JSON was asked for
`gzip`              the body is compressed (JSON only)
`trailing=BYTES`    text after the terminal event
=================== ========================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Json = Any

_DIRECTIVE = re.compile(r"\[\[([a-z_]+)(?:=([^\]]*))?\]\]")
_FILLER = (" lorem", " naïve", " 答え", " 🙂", "\n", ' "quoted"', " back\\slash", " dolor", "\ttab", " end.")
_SHELLS = ("Bash", "bash", "shell", "exec_command", "run_shell_command", "local_shell")


@dataclass(slots=True)
class Plan:
    """One reply: its unique tag and what the directives ask for."""

    tag: str
    number: int
    options: dict[str, str] = field(default_factory=dict)
    schema: Json | None = None
    tools: list[tuple[str, Json, str]] = field(default_factory=list)

    def flag(self, name: str) -> bool:
        """Tell whether the directive was given at all."""
        return name in self.options

    def integer(self, name: str, default: int = 0) -> int:
        """Return the directive's value as a number."""
        value = self.options.get(name, "")
        return int(value) if value.lstrip("-").isdigit() else default

    @property
    def pieces(self) -> list[str]:
        """The answer's text in the pieces in which it is streamed; unique to this reply."""
        if self.schema is not None:
            text = dumps(sample(self.schema, f"stub answer {self.tag}"))
            return [text[at : at + 24] for at in range(0, len(text), 24)]
        if self.flag("text"):
            return [self.options["text"]]
        count = max(1, self.integer("chunks", 5))
        size = self.integer("size")
        pieces = [f"stub answer {self.tag}", *(_FILLER[n % len(_FILLER)] for n in range(count - 1))]
        return [piece + "x" * (size - len(piece.encode())) for piece in pieces]

    @property
    def text(self) -> str:
        """The answer's whole text."""
        return "".join(self.pieces)

    @property
    def thoughts(self) -> list[str]:
        """The reasoning in the pieces in which it is streamed."""
        return [f"thinking {self.tag}", " step one,", " Schritt zwei ü"]

    def calls(self) -> list[tuple[str, str, str]]:
        """Return the tool calls to make: name, arguments as JSON text, and the tool's kind."""
        wanted = self.integer("tools", 1 if self.flag("tools") else 0)
        if not wanted or not self.tools:
            return []
        chosen = sorted(self.tools, key=lambda tool: tool[0] not in _SHELLS)[:wanted]
        while len(chosen) < wanted:
            chosen.append(chosen[-1])
        return [(name, arguments(schema, f"{self.tag}.{n}"), kind) for n, (name, schema, kind) in enumerate(chosen)]


def dumps(value: Json) -> str:
    """Write JSON as providers do: compact, characters as they are."""
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def directives(text: str) -> dict[str, str]:
    """Read the directives out of a user's text."""
    found = {name: value for name, value in _DIRECTIVE.findall(text)}
    if "USE_TOOL" in text:
        found.setdefault("tools", "2" if "USE_TOOLS" in text else "1")
    if "THINK" in text:
        found.setdefault("think", "")
    return found


def arguments(schema: Json, tag: str) -> str:
    """Return arguments that fit a tool's schema; a shell command is harmless and says which reply it came from."""
    value = sample(schema, tag)
    return dumps(value if isinstance(value, dict) else {"input": tag})


def sample(schema: Json, text: str, name: str = "") -> Json:
    """Return a value that fits a JSON schema well enough for an agent to accept it."""
    if not isinstance(schema, dict):
        return {}
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return sample(schema[key][0], text, name)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    kind = str(kind).lower()
    if kind == "object":
        properties = schema.get("properties") or {}
        required = schema.get("required") or list(properties)
        return {key: sample(properties.get(key, {"type": "string"}), text, key) for key in required}
    if kind == "array":
        if name in {"command", "cmd"}:
            return ["echo", "tool-ok"]
        return [sample(schema.get("items", {"type": "string"}), text) for _ in range(int(schema.get("minItems", 0)))]
    if kind in {"integer", "number"}:
        low = schema.get("minimum", 1)
        return low if low > 0 else 1
    if kind == "boolean":
        return False
    if name in {"command", "cmd"}:
        return "echo tool-ok"
    return text
