"""Run the stub provider alone: `python -m tests.stub --port N`."""

from __future__ import annotations

import argparse
import signal
import sys


def main() -> int:
    """Serve until SIGINT or SIGTERM; the first line of output is the address."""
    from tests.stub.server import Stub

    parser = argparse.ArgumentParser(prog="python -m tests.stub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with Stub(given.port, given.host) as stub:
        sys.stdout.write(f"stub provider on {stub.url}\n")
        sys.stdout.flush()
        signal.sigwait(signals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
