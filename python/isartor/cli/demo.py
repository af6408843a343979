"""`isartor demo`: what the cache does to a morning's prompts, in a few seconds and without a key.

A gateway of its own is started on a free port, with the built-in demo provider behind it, and 50 prompts are sent to it
over HTTP one after the other, some of them again and again, as tools do, and some in other words, as people do. Every
number comes from the replies.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from isartor.cli.failures import DONE, FAILED, CommandError, say
from isartor.cli.http import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterable

ENOUGH: Final = 0.5
"""Share of deflected prompts below which the demonstration has failed."""
_PATIENCE_SECS: Final = 30.0
_MODEL_PATIENCE_SECS: Final = 10.0
_STOP_SECS: Final = 10.0
_MODEL: Final = "isartor-demo"


class Prompt(msgspec.Struct, frozen=True):
    """One line of `demo_prompts.jsonl`."""

    prompt: str


class Outcome(msgspec.Struct, frozen=True):
    """One answered prompt: the layer that answered, whether that was without the provider, and seconds taken."""

    prompt: str
    layer: str
    deflected: bool
    seconds: float


def run() -> int:
    """Run the demonstration; 1 if fewer than half of the prompts were deflected."""
    port = _free_port()
    command = [sys.executable, "-m", "isartor.cli.demo_gateway", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 # our own
    try:
        with Gateway(f"http://127.0.0.1:{port}") as gateway:
            _wait(gateway, process)
            outcomes = [_send(gateway, entry.prompt) for entry in prompts()]
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECS)
        except subprocess.TimeoutExpired:
            process.kill()
    return report(outcomes)


def prompts() -> list[Prompt]:
    """The prompts, in the order in which they are sent."""
    text = resources.files(__package__).joinpath("demo_prompts.jsonl").read_text(encoding="utf-8")
    return [msgspec.json.decode(line, type=Prompt) for line in text.splitlines()]


def report(outcomes: list[Outcome]) -> int:
    """Print the table and return the exit code."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    deflected = [outcome for outcome in outcomes if outcome.deflected]
    share = len(deflected) / len(outcomes) if outcomes else 0.0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("answered by")
    for heading in ("prompts", "share", "median time"):
        table.add_column(heading, justify="right")
    for layer in sorted({outcome.layer for outcome in outcomes}):
        those = [outcome for outcome in outcomes if outcome.layer == layer]
        table.add_row(_LAYERS.get(layer, layer), str(len(those)), f"{len(those) / len(outcomes):.0%}", _median(those))
    console = Console(highlight=False)
    console.print(f"Isartor demo: {len(outcomes)} prompts, {len(outcomes) - len(deflected)} of them sent on")
    console.print(table)
    console.print(f"Deflected: {len(deflected)} of {len(outcomes)} ({share:.0%})")
    console.print("The demo provider answers at once; a real one takes a second or more, and money.")
    if share < ENOUGH:
        say(f"fewer than {ENOUGH:.0%} of the prompts were deflected")
        return FAILED
    return DONE


_LAYERS: Final = {"l1a": "L1a exact cache", "l1b": "L1b semantic cache", "l2": "L2 small model", "l3": "L3 provider"}


def _median(outcomes: Iterable[Outcome]) -> str:
    times = sorted(outcome.seconds for outcome in outcomes)
    return f"{times[len(times) // 2] * 1000:.2f} ms"


def _send(gateway: Gateway, prompt: str) -> Outcome:
    body = {"model": _MODEL, "messages": [{"role": "user", "content": prompt}]}
    start = time.perf_counter()
    answer = gateway.ask("POST", "/v1/chat/completions", body)
    seconds = time.perf_counter() - start
    if answer.status != 200:
        message = f"the demo gateway answered {answer.status} to {prompt!r}"
        raise CommandError(message)
    layer = answer.headers.get("x-isartor-layer", "unknown")
    return Outcome(prompt, layer, answer.headers.get("x-isartor-deflected") == "true", seconds)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(gateway: Gateway, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE_SECS
    while not gateway.healthy():
        if process.poll() is not None:
            message = f"the demo gateway ended with code {process.returncode}"
            raise CommandError(message)
        if time.monotonic() > end:
            message = f"the demo gateway did not answer within {_PATIENCE_SECS:g} s"
            raise CommandError(message)
        time.sleep(0.02)
    # The semantic cache loads its model after the gateway answers; without it the demonstration goes on as well.
    end = time.monotonic() + _MODEL_PATIENCE_SECS
    while gateway.read("/health")["layers"]["l1b"] == "loading" and time.monotonic() < end:
        time.sleep(0.02)
