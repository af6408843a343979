"""Request bodies, built the same way every time and written for these benches.

A body is a chat request of an exact size. `SERIAL` stands where a request of its own wants a number of its
own, so that one template gives as many distinct requests as a bench needs. Directives in double brackets
are read by the stub upstream (`benches/stub.py`), which finds them in the prompt wherever a gateway has
forwarded the body unchanged.
"""

import json
from collections.abc import Callable

MODEL = "bench-model"
SERIAL = "#" * 12

SYSTEM = "Answer in one short sentence, and name your source if you have one at hand."
QUESTION = "Which city is the capital of France, and roughly how many people live there today?"
PROSE = (
    "The gate keeper writes down who passes, when, and what they carry. "
    "Nobody who was there yesterday is asked again. "
    "On market days the line reaches the bridge, and the bread is cold before it is inside the walls. "
)


def chat(question: str = QUESTION, *, stream: bool = False, system: str = SYSTEM) -> bytes:
    """A chat completion request as an SDK writes it: compact JSON, UTF-8."""
    body: dict[str, object] = {
        "model": MODEL,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": question}],
        "temperature": 0.2,
    }
    if stream:
        # With usage: a stream without it could not be given as JSON later.
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body, separators=(",", ":")).encode()


def message(question: str = QUESTION, *, stream: bool = False, system: str = SYSTEM) -> bytes:
    """The same as a request of Anthropic's messages API."""
    body: dict[str, object] = {
        "model": MODEL,
        "max_tokens": 1024,
        "system": system,
        "messages": [{"role": "user", "content": question}],
        "temperature": 0.2,
    }
    if stream:
        body["stream"] = True
    return json.dumps(body, separators=(",", ":")).encode()


def sized(
    size_bytes: int, *, stream: bool = False, question: str = QUESTION, write: Callable[..., bytes] = chat
) -> bytes:
    """A request of exactly `size_bytes`: prose fills the system prompt, as a long context does."""
    missing = size_bytes - len(write(question, stream=stream, system=""))
    if missing < 0:
        msg = f"a request of {size_bytes} bytes is too small: {missing} bytes short"
        raise ValueError(msg)
    filler = (PROSE * (missing // len(PROSE) + 1))[:missing]
    return write(question, stream=stream, system=filler)


def numbered(body: bytes, number: int) -> bytes:
    """`body` with its `SERIAL` placeholder replaced by `number`."""
    return body.replace(SERIAL.encode(), b"%012d" % number)


SMALL = sized(300)
LARGE = sized(100 * 1024)
DISTINCT = sized(300, question=f"{QUESTION} [[serial={SERIAL}]]")
DISTINCT_MESSAGE = sized(300, question=f"{QUESTION} [[serial={SERIAL}]]", write=message)
KEYED = sized(300, question=f"{QUESTION} [[serial={SERIAL}]] [[key]]")
FIFTY_JSON = chat(f"{QUESTION} [[chunks=50]]")
FIFTY_STREAM = chat(f"{QUESTION} [[chunks=50]]", stream=True)


def paced(chunks: int, gap_us: int, write: Callable[..., bytes] = chat) -> bytes:
    """A stream request with a serial, its chunks sent `gap_us` apart, each with its time of sending."""
    return write(f"[[chunks={chunks}]] [[gap_us={gap_us}]] [[stamp]] [[serial={SERIAL}]]", stream=True)


def first_byte(think_us: int) -> bytes:
    """A stream request with a serial: after `think_us` come five chunks, 2 ms apart."""
    return chat(f"[[chunks=5]] [[gap_us=2000]] [[think_us={think_us}]] [[serial={SERIAL}]]", stream=True)


def heavy(reply_bytes: int) -> bytes:
    """A request with a serial whose reply carries `reply_bytes` of text: fills a cache by bytes first."""
    return chat(f"[[reply_bytes={reply_bytes}]] [[serial={SERIAL}]]")
