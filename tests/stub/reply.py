"""A reply in both forms, as every format module builds it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.stub.plan import Json, dumps


@dataclass(slots=True)
class Reply:
    """The same answer as JSON and as events; `events` is None where the API does not stream."""

    whole: Json
    events: list[bytes] | None
    error_event: bytes
    media_type: str = "text/event-stream; charset=utf-8"


def data_event(value: Json) -> bytes:
    """Return an event that has data alone."""
    return f"data: {dumps(value)}\n\n".encode()


def named_event(value: Json) -> bytes:
    """Return an event named after the value's `type`."""
    return f"event: {value['type']}\ndata: {dumps(value)}\n\n".encode()
