"""Requests of another format, written for a provider of this one."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from isartor.formats.base import encode
from isartor.formats.canonical import Thinking
from isartor.formats.openai_responses import message, tools
from isartor.formats.openai_responses.layout import NAME, put_back

if TYPE_CHECKING:
    from isartor.formats.canonical import Prompt, Turn
    from isartor.formats.losses import Losses

_ENCRYPTED: Final = "reasoning.encrypted_content"
# From Anthropic's and Gemini's budgets to the nearest word.
_BUDGETS: Final = ((1024, "minimal"), (4096, "low"), (16384, "medium"))
# The API refuses less.
_FEWEST_TOKENS: Final = 16
# The API refuses a longer name of the user. Claude Code's is JSON of 150 letters.
_LONGEST_USER: Final = 64
_ASK_FOR_JSON: Final = "Answer with JSON."
_SAMPLING: Final = ("top_k", "stop", "seed", "presence_penalty", "frequency_penalty")


def write(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    """The body; what it cannot say goes to `losses`."""
    losses.extras("prompt", prompt.extra)
    for name in _SAMPLING:
        if getattr(prompt, name) is not None:
            losses.without(name)
    instructions, turns = message.split(prompt.turns, losses)
    listed = message.write(turns, losses)
    if prompt.output is not None:
        losses.extras("output", prompt.output.extra)
        if prompt.output.kind == "json" and not _says_json(instructions, listed):
            instructions = f"{instructions}\n\n{_ASK_FOR_JSON}".lstrip()
    reasoning = _reasoning(prompt, losses)
    written: dict[str, Any] = {
        "model": prompt.model,
        "instructions": instructions or None,
        "input": listed,
        "tools": None if prompt.tools is None else tools.write(prompt.tools, losses),
        "tool_choice": None if prompt.tool_choice is None else tools.write_choice(prompt.tool_choice, prompt, losses),
        **common(prompt),
        "max_output_tokens": None if prompt.max_tokens is None else max(prompt.max_tokens, _FEWEST_TOKENS),
        "reasoning": reasoning or None,
        "text": write_text(prompt, losses) or None,
        # The provider keeps nothing: the client, who knows no such thing, sends the whole conversation each time.
        "store": False,
        # A model that does not think would refuse this.
        "include": [_ENCRYPTED] if reasoning or _thought(turns) else None,
        "stream": prompt.stream or None,
    }
    for name in ("temperature", "top_p"):
        if written.get(name) == 1:
            # It is so anyway, and models that think refuse even to be told.
            del written[name]
    if len(written.get("user", "")) > _LONGEST_USER:
        written["user"] = sha256(written["user"].encode()).hexdigest()
    return {name: value for name, value in written.items() if value is not None}


def _says_json(instructions: str, listed: list[dict[str, Any]]) -> bool:
    """Whether the conversation asks for JSON in words, too, without which the API refuses to give it."""
    return "json" in instructions.lower() or b"json" in encode(listed).lower()


def _thought(turns: list[Turn]) -> bool:
    return any(isinstance(part, Thinking) and part.maker == NAME for turn in turns for part in turn.parts)


def _reasoning(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    reasoning = prompt.reasoning
    if reasoning is None:
        return {}
    losses.extras("reasoning", reasoning.extra)
    if reasoning.enabled is False and reasoning.effort is None:
        # A model that could think less has other words for it each time; one that cannot think refuses them all.
        return {}
    effort = reasoning.effort
    if effort is None and reasoning.budget_tokens is not None and reasoning.budget_tokens > 0:
        effort = next((word for most, word in _BUDGETS if reasoning.budget_tokens <= most), "high")
    written: dict[str, Any] = {}
    if effort is not None:
        written["effort"] = effort
    shown = reasoning.show is None and prompt.origin == "anthropic" and reasoning.enabled is not False
    if reasoning.show or shown:
        written["summary"] = "auto"
    return written


def common(prompt: Prompt) -> dict[str, Any]:
    """The fields that mean the same everywhere."""
    fields = {
        "parallel_tool_calls": prompt.parallel_tool_calls,
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "user": prompt.user,
    }
    return {name: value for name, value in fields.items() if value is not None}


def write_text(prompt: Prompt, losses: Losses | None = None) -> dict[str, Any]:
    """`text`: the form of the reply, for any request. `losses`: of one of another format."""
    written: dict[str, Any] = {}
    if prompt.verbosity is not None:
        written["verbosity"] = prompt.verbosity
    output = prompt.output
    if output is None:
        return written
    if output.kind != "schema":
        form: dict[str, Any] = {"type": "text" if output.kind == "text" else "json_object"}
    else:
        form = {"type": "json_schema", "name": output.name or "output", "schema": output.schema or {}}
        strict = output.strict
        if strict and losses is not None and not tools.strictly(output.schema, losses, "schema_strict"):
            strict = None
        said = {"description": output.description, "strict": strict}
        form |= {name: value for name, value in said.items() if value is not None}
    if prompt.origin == NAME:
        put_back(form, output.extra)
        if output.kind == "schema" and output.schema is None:
            form.pop("schema")
    written["format"] = form
    return written
