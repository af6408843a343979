"""The order of events that the real API keeps, as a machine that refuses any other."""

from __future__ import annotations

from typing import Any

_FIELDS = {"function_call": "arguments", "custom_tool_call": "input"}


def check(events: list[Any]) -> Any:
    """Go through a whole stream and return the final response."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1]["type"] in {"response.completed", "response.incomplete"}
    first, last = events[0]["response"], events[-1]["response"]
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert last["status"] == events[-1]["type"].removeprefix("response.")
    assert last["id"] == first["id"]
    items: dict[int, Any] = {}
    done: dict[int, Any] = {}
    state: dict[tuple[int, int], str] = {}
    for event in events[2:-1]:
        at = event["output_index"]
        match event["type"]:
            case "response.output_item.added":
                assert at == len(items), "items are numbered in the order in which they begin"
                items[at] = event["item"]
                assert event["item"].get("status", "in_progress") == "in_progress"
            case "response.output_item.done":
                assert not [key for key in state if key[0] == at], "all of an item is done before it is"
                _same(items[at], event["item"])
                assert at not in done
                done[at] = event["item"]
            case kind:
                assert event["item_id"] == items[at]["id"]
                assert at not in done
                _inside(kind, event, items[at], state)
    assert sorted(done) == sorted(items)
    assert last["output"] == [done[at] for at in sorted(done)]
    identities = [item["id"] for item in last["output"]]
    assert len(set(identities)) == len(identities)
    return last


def _same(added: Any, done: Any) -> None:
    for name in ("id", "type", "call_id", "name", "namespace", "role"):
        assert added.get(name) == done.get(name)
    assert done.get("status", "completed") == "completed"


def _inside(kind: str, event: Any, item: Any, state: dict[tuple[int, int], str]) -> None:
    at = event["output_index"]
    match kind.removeprefix("response.").split("."):
        case ["content_part" | "reasoning_summary_part" as what, step]:
            inner = event["content_index" if what == "content_part" else "summary_index"]
            assert item["type"] == ("message" if what == "content_part" else "reasoning")
            text = event["part"].get("text", event["part"].get("refusal"))
            if step == "added":
                assert (at, inner) not in state
                assert text == ""
                state[at, inner] = ""
            else:
                assert state.pop((at, inner)) == text
        case ["output_text" | "refusal" | "reasoning_summary_text", step]:
            inner = event.get("content_index", event.get("summary_index"))
            if step == "delta":
                assert event["delta"]
                state[at, inner] += event["delta"]
            else:
                assert state[at, inner] == event.get("text", event.get("refusal"))
        case ["function_call_arguments" | "custom_tool_call_input", step]:
            field = _FIELDS[item["type"]]
            assert kind.startswith("response.function") == (field == "arguments")
            if step == "delta":
                assert event["delta"]
                state[at, 0] = state.get((at, 0), "") + event["delta"]
            else:
                assert state.pop((at, 0), "") == event[field]
        case other:
            raise AssertionError(other)
