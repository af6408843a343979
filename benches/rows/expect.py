"""The checks that come before a clock is started: a wrong answer makes every number about it worthless."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from benches import client, stub
from benches.client import Answer
from benches.fixtures import numbered
from benches.lab import stub_requests
from benches.processes import Server


class WrongAnswerError(RuntimeError):
    """A server did not answer what the bench expects."""


def require(truth: object, what: str, answer: Answer | None = None) -> None:
    """Raise unless `truth`."""
    if not truth:
        shown = f"; got {answer.status} {answer.headers} {answer.body[:300]!r}" if answer else ""
        msg = f"{what}{shown}"
        raise WrongAnswerError(msg)


def layer(answer: Answer) -> str:
    """Which layer answered."""
    return answer.headers.get("x-isartor-layer", "")


def hit(gateway: Server, upstream: Server, body: bytes) -> None:
    """The first request goes upstream, the second is the same reply from L1a without the upstream."""
    before = stub_requests(upstream)
    first, second = client.post(gateway.port, body), client.post(gateway.port, body)
    require(
        first.status == HTTPStatus.OK and layer(first) == "l3",
        "the first request is to be answered by L3",
        first,
    )
    require(first.body == stub.json_reply(stub.directives(body)), "L3 is to pass the upstream's bytes", first)
    require(
        second.status == HTTPStatus.OK and layer(second) == "l1a",
        "the second request is to be answered by L1a",
        second,
    )
    require(second.body == first.body, "L1a is to give the stored reply", second)
    require(stub_requests(upstream) == before + 1, "the upstream is to see one request of two")


def still_hits(upstream: Server, before: int) -> None:
    """Not one request of the timed rounds reached the upstream."""
    require(stub_requests(upstream) == before, "every timed request is to be a hit")


def passes(server: Server, upstream: Server, body: bytes, serials: range, *, via_gateway: bool) -> None:
    """Requests with serials of their own come back with them, and each reaches the upstream."""
    before = stub_requests(upstream)
    for serial in serials:
        sent = numbered(body, serial)
        answer = client.post(server.port, sent)
        require(answer.status == HTTPStatus.OK, "a miss is to be answered", answer)
        require(
            answer.body == stub.json_reply(stub.directives(sent)),
            "a miss is to pass the upstream's bytes",
            answer,
        )
        require(not via_gateway or layer(answer) == "l3", "a distinct request is to be answered by L3", answer)
    require(stub_requests(upstream) == before + len(serials), "every distinct request is to reach the upstream")


def texts(body: bytes) -> list[str]:
    """The text of every chunk of a chat stream, empty ones left out; raises unless `[DONE]` ends it."""
    events = [line.removeprefix("data: ") for line in body.decode().split("\n") if line.startswith("data: ")]
    require(events and events[-1] == "[DONE]", "a chat stream is to end with [DONE]")
    deltas = [choice["delta"] for event in events[:-1] for choice in msgspec.json.decode(event)["choices"]]
    return [delta["content"] for delta in deltas if delta.get("content")]


def message(answer: Answer) -> str:
    """The text of a chat reply in JSON."""
    return str(msgspec.json.decode(answer.body)["choices"][0]["message"]["content"])


def usage(gateway: Server) -> dict[str, Any]:
    """The gateway's report of what was used."""
    answer = client.get(gateway.port, "/debug/usage")
    require(answer.status == HTTPStatus.OK, "there is to be a report of usage", answer)
    page: dict[str, Any] = msgspec.json.decode(answer.body)
    return page


def usage_lines(home: Path) -> list[dict[str, Any]]:
    """What a gateway that has stopped has written into its home."""
    file = home / ".isartor" / "usage.jsonl"
    require(file.exists(), "there is to be a usage.jsonl")
    return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
