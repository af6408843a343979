"""The gateway that `isartor demo` talks to: the demo provider, and nothing of the user's configuration or usage.

Started as `python -m isartor.cli.demo_gateway PORT`.
"""

from __future__ import annotations

import sys

from isartor.cli.failures import guarded


def serve(port: int) -> int:
    """Serve on `port` of this machine until told to stop."""
    from isartor.config import Config, Server
    from isartor.observe import logs
    from isartor.server import run

    logs.setup("error")
    server = Server(port=port, shutdown_grace_secs=1)
    return run.serve(Config(server=server, demo=True, enable_usage=False, log_level="error"))


if __name__ == "__main__":
    sys.exit(guarded(lambda: serve(int(sys.argv[1]))))
