"""The demo provider's replies, one function per endpoint.

Each gives JSON and, where the endpoint streams, the stream too. The order of events is the
real API's; the sources are those that the provider files name.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import msgspec

from isartor.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL: Final = "isartor-demo"

Json = dict[str, Any]
Reply = list[bytes]

_DIMENSIONS: Final = 1536
_DIMENSIONS_MAX: Final = 4096
_INPUTS_MAX: Final = 2048
_WORDS_PER_PIECE: Final = 4

_encode: Final = msgspec.json.Encoder().encode


class Ask(msgspec.Struct, frozen=True):
    """What a reply is made of."""

    body: Json
    answer: str
    asked_words: int
    stream: bool
    array: bool

    @property
    def answered_words(self) -> int:
        """Words of the answer."""
        return len(self.answer.split())


def chat(ask: Ask) -> Reply:
    """`chat.completion`, or its chunks."""
    head = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": MODEL}
    usage = _openai_usage(ask)
    if not ask.stream:
        message = {"role": "assistant", "content": ask.answer, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return [_encode({**head, "object": "chat.completion", "choices": [choice], "usage": usage})]

    head["object"] = "chat.completion.chunk"

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _data({**head, "choices": [choice]})

    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": piece}) for piece in _pieces(ask.answer)]
    events.append(chunk({}, "stop"))
    if _wants_usage(ask):
        events.append(_data({**head, "choices": [], "usage": usage}))
    return [*events, b"data: [DONE]\n\n"]


def completions(ask: Ask) -> Reply:
    """`text_completion`, or its chunks."""
    head = {
        "id": f"cmpl-{uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": MODEL,
    }
    usage = _openai_usage(ask)

    def choice(text: str, finish: str | None) -> Json:
        return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}

    if not ask.stream:
        return [_encode({**head, "choices": [choice(ask.answer, "stop")], "usage": usage})]
    events = [_data({**head, "choices": [choice(piece, None)]}) for piece in _pieces(ask.answer)]
    events.append(_data({**head, "choices": [choice("", "stop")]}))
    if _wants_usage(ask):
        events.append(_data({**head, "choices": [], "usage": usage}))
    return [*events, b"data: [DONE]\n\n"]


def embeddings(ask: Ask) -> Reply:
    """One pseudo-vector per input: the same text always gives the same one, and it means nothing."""
    given = ask.body.get("input")
    # A flat list of numbers is one input, given as tokens.
    inputs = given if isinstance(given, list) and not (given and isinstance(given[0], int)) else [given]
    if len(inputs) > _INPUTS_MAX:
        message = f"At most {_INPUTS_MAX} inputs per call."
        raise RequestError(message, param="input")
    size = ask.body.get("dimensions", _DIMENSIONS)
    if not isinstance(size, int) or not 1 <= size <= _DIMENSIONS_MAX:
        message = f"dimensions must be an integer from 1 to {_DIMENSIONS_MAX}."
        raise RequestError(message, param="dimensions")
    packed = ask.body.get("encoding_format") == "base64"
    data = []
    for index, text in enumerate(inputs):
        vector = _vector(_encode(text), size)
        value = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() if packed else vector
        data.append({"object": "embedding", "index": index, "embedding": value})
    words = sum(len(text.split()) if isinstance(text, str) else 1 for text in inputs)
    usage = {"prompt_tokens": words, "total_tokens": words}
    return [_encode({"object": "list", "data": data, "model": MODEL, "usage": usage})]


def responses(ask: Ask) -> Reply:
    """Return a `response`, or the events that build it."""
    item_id = f"msg_{uuid4().hex}"
    part = {"type": "output_text", "text": ask.answer, "annotations": [], "logprobs": []}
    item = {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    empty: Json = {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": ask.body.get("instructions"),
        "max_output_tokens": ask.body.get("max_output_tokens"),
        "model": MODEL,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }
    usage = {
        "input_tokens": ask.asked_words,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": ask.answered_words,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": ask.asked_words + ask.answered_words,
    }
    done = {**empty, "status": "completed", "output": [item], "usage": usage}
    if not ask.stream:
        return [_encode(done)]

    place = {"item_id": item_id, "output_index": 0, "content_index": 0}
    deltas = [
        ("response.output_text.delta", {**place, "delta": piece, "logprobs": []}) for piece in _pieces(ask.answer)
    ]
    steps: list[tuple[str, Json]] = [
        ("response.created", {"response": empty}),
        ("response.in_progress", {"response": empty}),
        (
            "response.output_item.added",
            {"output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
        ),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
        *deltas,
        ("response.output_text.done", {**place, "text": ask.answer, "logprobs": []}),
        ("response.content_part.done", {**place, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": done}),
    ]
    return [_event(name, {"type": name, "sequence_number": i, **step}) for i, (name, step) in enumerate(steps)]


def messages(ask: Ask) -> Reply:
    """Return a `message`, or the events that build it."""
    message: Json = {
        "id": f"msg_{uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": ask.asked_words, "output_tokens": 0},
    }
    usage = {"input_tokens": ask.asked_words, "output_tokens": ask.answered_words}
    if not ask.stream:
        content = [{"type": "text", "text": ask.answer}]
        return [_encode({**message, "content": content, "stop_reason": "end_turn", "usage": usage})]
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    steps: list[tuple[str, Json]] = [
        ("message_start", {"message": message}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("ping", {}),
    ]
    steps += [
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}})
        for piece in _pieces(ask.answer)
    ]
    steps += [
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": ended, "usage": {"output_tokens": ask.answered_words}}),
        ("message_stop", {}),
    ]
    return [_event(name, {"type": name, **step}) for name, step in steps]


def count_tokens(ask: Ask) -> Reply:
    """Anthropic's token count: words of the last user turn."""
    return [_encode({"input_tokens": max(1, ask.asked_words)})]


def generate(ask: Ask) -> Reply:
    """Gemini's reply: one object, or several as a stream in either of its two forms."""
    response_id = uuid4().hex

    def piece(text: str, finish: str | None) -> Json:
        candidate: Json = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
        if finish is not None:
            candidate["finishReason"] = finish
        usage = {
            "promptTokenCount": ask.asked_words,
            "candidatesTokenCount": ask.answered_words,
            "totalTokenCount": ask.asked_words + ask.answered_words,
        }
        return {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": MODEL,
            "responseId": response_id,
        }

    if not ask.stream:
        return [_encode(piece(ask.answer, "STOP"))]
    texts = list(_pieces(ask.answer))
    objects = [_encode(piece(text, "STOP" if i == len(texts) else None)) for i, text in enumerate(texts, 1)]
    if not ask.array:
        return [b"data: %s\r\n\r\n" % body for body in objects]
    return [b"[" + objects[0], *(b",\r\n" + body for body in objects[1:]), b"]"]


def gemini_count(ask: Ask) -> Reply:
    """Gemini's token count: words of the last user turn."""
    words = max(1, ask.asked_words)
    details = [{"modality": "TEXT", "tokenCount": words}]
    return [_encode({"totalTokens": words, "promptTokensDetails": details})]


def _openai_usage(ask: Ask) -> Json:
    return {
        "prompt_tokens": ask.asked_words,
        "completion_tokens": ask.answered_words,
        "total_tokens": ask.asked_words + ask.answered_words,
    }


def _wants_usage(ask: Ask) -> bool:
    options = ask.body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _pieces(text: str) -> Iterator[str]:
    """Return a few words each; together they are `text`."""
    words = text.split(" ")
    for start in range(0, len(words), _WORDS_PER_PIECE):
        piece = " ".join(words[start : start + _WORDS_PER_PIECE])
        yield piece if start == 0 else f" {piece}"


def _data(body: Json) -> bytes:
    return b"data: %s\n\n" % _encode(body)


def _event(name: str, body: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _encode(body))


def _vector(seed: bytes, size: int) -> list[float]:
    """Return a unit vector of pseudo-random direction that depends on `seed` alone."""
    raw = hashlib.shake_128(seed).digest(size * 2)
    values = [value - 32767.5 for (value,) in struct.iter_unpack("<H", raw)]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]
