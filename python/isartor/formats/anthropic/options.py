"""What is set for a request from another format: length, chance, thinking, the form of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isartor.formats.canonical import Thinking, ToolCall, ToolResult

if TYPE_CHECKING:
    from isartor.formats.anthropic.abilities import Abilities
    from isartor.formats.canonical import Output, Prompt, Reasoning
    from isartor.formats.losses import Losses

_LEAST: Final = 1024
_WIDE: Final = 0.95
_BUDGETS: Final = {"minimal": 1024, "low": 4096, "medium": 10_240, "high": 24_576, "xhigh": 32_768, "max": 32_768}
# From a budget to the nearest word.
_WORDS: Final = ((4096, "low"), (16_384, "medium"))
_JSON: Final = (
    "Answer with one valid JSON value and nothing else: no words before or after it, and no Markdown fence around it."
)


class Options:
    """Writes them, for one request and one model."""

    def __init__(self, prompt: Prompt, losses: Losses, abilities: Abilities) -> None:
        self._prompt = prompt
        self._losses = losses
        self._able = abilities
        self._config: dict[str, Any] = {}

    def write(self, written: dict[str, Any]) -> None:
        """Add them to `written`."""
        prompt = self._prompt
        most = prompt.max_tokens
        if most is None:
            written["max_tokens"] = self._able.most
        else:
            # No reply of the model is longer than its limit, so that asking for no more loses nothing.
            written["max_tokens"] = most if self._able.limit is None else min(most, self._able.limit)
        reasoning = prompt.reasoning
        if self._forced() and self._able.thinks and self._able.quiet is not None:
            # The API refuses to think where it is told what to call.
            written["thinking"] = {"type": self._able.quiet}
        if reasoning is not None:
            self._losses.extras("reasoning", reasoning.extra)
            self._reasoning(reasoning, written)
        self._sampling(written)
        if prompt.stop:
            written["stop_sequences"] = prompt.stop
        if prompt.user is not None:
            written["metadata"] = {"user_id": prompt.user}
        if prompt.output is not None:
            self._losses.extras("output", prompt.output.extra)
            if prompt.output.kind == "schema":
                self._schema(prompt.output)
        if self._config:
            written["output_config"] = self._config

    def _reasoning(self, asked: Reasoning, written: dict[str, Any]) -> None:
        if asked.enabled is False or asked.effort == "none":
            if self._able.quiet is not None:
                written["thinking"] = {"type": self._able.quiet}
            else:
                self._losses.without("reasoning")
                self._config["effort"] = "low"
            return
        wanted = asked.enabled or asked.effort is not None or asked.budget_tokens is not None or asked.show
        if not wanted:
            return
        if self._forced():
            # Which tool is called matters more.
            self._losses.without("reasoning")
            return
        if self._able.adaptive:
            written["thinking"] = {"type": "adaptive"}
            effort = self._effort(asked)
            if effort is not None:
                self._config["effort"] = effort
        else:
            self._budget(asked, written)
        if asked.show is not None and "thinking" in written:
            written["thinking"]["display"] = "summarized" if asked.show else "omitted"

    def _effort(self, asked: Reasoning) -> str | None:
        effort = asked.effort
        if effort is None:
            if asked.budget_tokens is None:
                return None
            effort = next((word for most, word in _WORDS if asked.budget_tokens <= most), "high")
        if effort in self._able.efforts:
            return effort
        return {"minimal": "low", "xhigh": "high", "max": "high"}.get(effort, effort)

    def _budget(self, asked: Reasoning, written: dict[str, Any]) -> None:
        budget = asked.budget_tokens
        if budget is None or budget < 0:  # negative: Gemini's word for as much as it likes
            budget = _BUDGETS.get(asked.effort or "medium", _BUDGETS["medium"])
        budget = max(budget, _LEAST)
        if self._prompt.max_tokens is None:
            written["max_tokens"] = max(written["max_tokens"], budget + 8192)
        elif budget >= written["max_tokens"]:
            # Room for the answer has to be left.
            budget = written["max_tokens"] // 2
        if budget < _LEAST or not self._able.budget or not thought_before(self._prompt):
            self._losses.without("reasoning")
            return
        written["thinking"] = {"type": "enabled", "budget_tokens": budget}

    def _forced(self) -> bool:
        choice = self._prompt.tool_choice
        return choice is not None and choice.mode == "required" and bool(self._prompt.tools)

    def _sampling(self, written: dict[str, Any]) -> None:
        prompt = self._prompt
        thinks = written.get("thinking", {}).get("type") in {"enabled", "adaptive"}
        free = self._able.sampling and not thinks
        # What is the default says nothing.
        temperature = None if prompt.temperature == 1 else prompt.temperature
        top_p = None if prompt.top_p == 1 else prompt.top_p
        for name, value in (("temperature", temperature), ("top_p", top_p), ("top_k", prompt.top_k)):
            if value is None:
                continue
            crowded = name == "top_p" and "temperature" in written and not self._able.both
            # While it thinks, the API takes a `top_p` that leaves out next to nothing.
            wide = name == "top_p" and self._able.sampling and value >= _WIDE
            if (free or wide) and not crowded and not (name == "temperature" and value > 1):
                written[name] = value
            else:
                self._losses.without(name)
        for name in ("seed", "presence_penalty", "frequency_penalty", "verbosity"):
            if getattr(prompt, name) not in {None, 0} or (name == "seed" and prompt.seed == 0):
                self._losses.without(name)

    def _schema(self, output: Output) -> None:
        if output.name is not None:
            self._losses.without("schema_name")
        if output.description is not None:
            self._losses.without("schema_description")
        self._config["format"] = {"type": "json_schema", "schema": closed(output.schema or {"type": "object"})}


def order(prompt: Prompt) -> str | None:
    """What the model is told where the API has no setting: JSON of no particular schema."""
    return _JSON if prompt.output is not None and prompt.output.kind == "json" else None


def thought_before(prompt: Prompt) -> bool:
    """Whether the thoughts that led to the last calls are here: with a budget the API insists on them."""
    turns = prompt.turns
    last = len(turns)
    while last and turns[last - 1].role != "assistant":
        last -= 1
    if any(not isinstance(part, ToolResult) for turn in turns[last:] if turn.role == "user" for part in turn.parts):
        return True
    parts: list[Any] = []
    while last and turns[last - 1].role == "assistant":
        last -= 1
        parts = [*turns[last].parts, *parts]
    if not any(isinstance(part, ToolCall) for part in parts):
        return True
    return isinstance(parts[0], Thinking) and parts[0].maker == "anthropic"


def closed(schema: Any) -> Any:
    """The schema with `additionalProperties: false` for every object that leaves it open: the API wants it so."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        name: {inner: closed(each) for inner, each in value.items()}
        if name in _MAPS and isinstance(value, dict)
        else (value if name in _VALUES else closed(value))
        for name, value in schema.items()
    }
    kind = made.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


_MAPS: Final = frozenset({"properties", "$defs", "definitions", "patternProperties"})
_VALUES: Final = frozenset({"enum", "const", "default", "examples", "required"})
