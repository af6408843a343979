"""Row 8: how long a user waits."""

import time
from http import HTTPStatus

from benches import client, fixtures
from benches.lab import BOTH, Lab
from benches.processes import DiedError, Server
from benches.results import Check, Definition, Result, Samples
from benches.rows import expect

DEFINITION = Definition(
    row=8,
    title="`isartor up` to first answered request",
    input="`isartor up` in an empty home, the semantic cache on, and one chat request, tried every 2 ms until it is answered; "
    "the files are in the page cache",
    expected="the upstream's reply, from L3",
    rival="a stop watch; an empty Granian app of the same flags, in turn, to show what of it is Granian's",
)
BOUND_SECS = 1.0
PATIENCE_SECS = 30.0


def run(lab: Lab) -> Result:
    """Start each, in turn."""
    count = 3 if lab.plan.quick else 10
    ours, theirs = [], []
    with lab.stub() as upstream:
        for number in range(count + 1):
            lab.wait_until_quiet()
            with lab.running(lab.gateway_server(upstream, BOTH)) as gateway:
                ours.append(first_answer(gateway, expect_layer="l3"))
            with lab.running(lab.baseline_server("empty")) as empty:
                theirs.append(first_answer(empty))
            if number == 0:  # Warms the page cache and writes the byte code.
                ours.clear()
                theirs.clear()
    return Result(
        row=DEFINITION.row,
        checks=[Check("start to first answer", ours, BOUND_SECS, at_least=False, unit="s")],
        sides=[Samples("isartor up", "s", ours), Samples("empty Granian app", "s", theirs)],
        notes=[f"{count} starts, each a new process in a new home"],
    )


def first_answer(server: Server, expect_layer: str = "") -> float:
    """Seconds from the start of the process to its first answer."""
    while True:
        try:
            answer = client.post(server.port, fixtures.SMALL)
        except OSError:
            if server.process.poll() is not None or time.monotonic() > server.started + PATIENCE_SECS:
                raise DiedError(server.epitaph()) from None
            time.sleep(0.002)
            continue
        took = time.monotonic() - server.started
        expect.require(answer.status == HTTPStatus.OK, "the first request is to be answered", answer)
        expect.require(not expect_layer or expect.layer(answer) == expect_layer, "the layer is to be L3", answer)
        return took
