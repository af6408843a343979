"""How the process is started."""

from __future__ import annotations

import inspect

import msgspec
import pytest
from granian import Granian

from isartor.config import Config
from isartor.server import run


def options(**server: object) -> dict[str, object]:
    """Return Granian's options for these settings of `[server]`."""
    config = Config()
    return run.granian_options(msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, **server)))


def test_every_option_is_one_of_granians() -> None:
    """Nothing is passed that the server does not know."""
    assert set(options()) <= set(inspect.signature(Granian.__init__).parameters)


def test_the_settings_reach_the_server() -> None:
    """Address, port, workers and grace are those of the configuration."""
    given = options(host="0.0.0.0", port=1234, workers=3, shutdown_grace_secs=30)  # noqa: S104  # not bound
    assert (given["address"], given["port"], given["workers"]) == ("0.0.0.0", 1234, 3)  # noqa: S104
    assert isinstance(given["workers_kill_timeout"], int)
    assert given["workers_kill_timeout"] > 30, "the server outwaits the grace of running replies"


@pytest.mark.parametrize(("host", "address"), [("[::1]", "::1"), ("::1", "::1"), ("localhost", "localhost")])
def test_an_ipv6_address_may_stand_in_brackets(host: str, address: str) -> None:
    """As in a URL."""
    assert options(host=host)["address"] == address


def test_websockets_and_the_servers_own_log_are_off() -> None:
    """An upgrade must reach the routes, which answer 426; requests are logged by us or not at all."""
    assert options()["websockets"] is False
    assert options()["log_enabled"] is False
