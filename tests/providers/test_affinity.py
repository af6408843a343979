"""Where a session was served."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from isartor.providers.affinity import Affinity, Pin
from tests.providers.links import CALL

LINK: Any = object()


def test_kept_apart() -> None:
    """By session, model and tenant."""
    affinity = Affinity()
    call = replace(CALL, session="s", tenant="t")
    pin = Pin(LINK, None, 0)
    affinity.put(call, pin)
    assert affinity.get(call, 1) is pin
    for other in (replace(call, session="x"), replace(call, tenant="x"), replace(call, model="x")):
        assert affinity.get(other, 1) is None


def test_bounded() -> None:
    """The sessions that were silent longest are forgotten first."""
    affinity = Affinity(size=3)
    for name in "abcad":
        affinity.put(replace(CALL, session=name), Pin(LINK, None, 0))
    assert len(affinity) == 3
    assert [name for name in "abcd" if affinity.get(replace(CALL, session=name), 0)] == ["a", "c", "d"]


def test_idle() -> None:
    """After an hour no provider has the prompt any more."""
    affinity = Affinity()
    affinity.put(CALL, Pin(LINK, None, 100))
    assert affinity.get(CALL, 3699) is not None
    assert affinity.get(CALL, 3700) is None
