"""`isartor up`: start the gateway, here or in the background."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from isartor.cli import home, pidfile, port, provider
from isartor.cli.failures import CommandError
from isartor.config import load_with_origins, secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isartor.cli.quick import UpOptions
    from isartor.config import Config, Loaded


def run(options: UpOptions) -> int:
    """Serve until told to stop, or, with `detach`, until the gateway in the background answers."""
    loaded = load_with_origins(overrides=options.overrides())
    config = loaded.config
    if options.demo_if_keyless and provider.keyless(config):
        config = msgspec.structs.replace(config, demo=True)
    provider.check(config)
    port.check(config.server.host, config.server.port)
    if options.detach:
        from isartor.cli import detach

        return detach.start(options, config)
    return _serve(loaded, config)


def _serve(loaded: Loaded, config: Config) -> int:
    from isartor.cli import banner
    from isartor.observe import logs
    from isartor.server.run import serve

    logs.setup(config.log_level, secrets=secrets(config))
    with _pid_file() as notes:
        return serve(config, on_ready=lambda: banner.show(loaded, config, notes=notes))


@contextlib.contextmanager
def _pid_file() -> Iterator[list[str]]:
    """Hold the pid file. Gives what to tell the user if that cannot be: no reason not to serve."""
    with contextlib.ExitStack() as stack:
        notes = []
        try:
            home.make_folder()
            other = stack.enter_context(pidfile.held(home.pid_file()))
            if other is not None:
                notes.append(f"another gateway runs as process {other.pid}; `isartor stop` stops that one, not this")
        except (OSError, CommandError) as error:
            notes.append(f"no pid file, so `isartor stop` will not find this gateway: {error}")
        yield notes
