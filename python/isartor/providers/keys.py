"""The keys of one provider: whose turn it is, which ones rest, which are dead.

A key rests after 429 or a used-up quota; one that is refused (401, 403) is dead for a while, since what was refused may
be allowed again: a bill is paid, a model enabled. No key is ever given up: when all rest, or all are dead, the one that
is nearest its end is tried. So a lone key is always used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from isartor.config.upstream import KeyRotation, ProviderKey
    from isartor.ports import Revealable

_DEAD_SECS: Final = 300.0
# Whatever a provider says of its windows: a key is tried once a day.
_REST_MAX_SECS: Final = 86400.0
_SHOWN: Final = 4


class Key:
    """One key and what is known of it. Times are on the chain's clock, `last_used` in seconds since 1970."""

    __slots__ = (
        "dead",
        "guessed",
        "label",
        "last_used",
        "limited_total",
        "priority",
        "requests_total",
        "rests_until",
        "secret",
    )

    def __init__(self, secret: Revealable, *, priority: int = 1, label: str | None = None) -> None:
        """`priority`: lowest first, if the pool goes by it."""
        self.secret = secret
        self.priority = priority
        self.label = label
        self.rests_until = 0.0
        self.guessed = False
        """It rests as long as is configured, because the provider did not say how long."""
        self.dead = False
        self.requests_total = 0
        self.limited_total = 0
        self.last_used: float | None = None

    def used(self, wall: float) -> None:
        """A request was sent with it, at `wall`."""
        self.requests_total += 1
        self.last_used = wall

    def refused(self, now: float) -> None:
        """The provider does not accept it."""
        self.dead = True
        self.rests_until = now + _DEAD_SECS

    def accepted(self) -> None:
        """The provider does accept it, after all."""
        self.dead = False
        self.rests_until = 0.0

    @property
    def masked(self) -> str:
        """What may be shown of it."""
        return mask(self.secret.reveal())

    def __repr__(self) -> str:
        """Never shows the key."""
        return f"Key({self.masked!r}, {'dead' if self.dead else 'alive'}, rests until {self.rests_until:.1f})"


class Pool:
    """The keys of one provider, in the order of their turns."""

    def __init__(
        self, keys: Sequence[Key] = (), *, rotation: KeyRotation = "round_robin", cooldown_secs: float = 60
    ) -> None:
        """`cooldown_secs`: how long a key rests if the provider does not say."""
        self.rotation: KeyRotation = rotation
        self.cooldown_secs = cooldown_secs
        self.keys = tuple(sorted(keys, key=lambda key: key.priority) if rotation == "priority" else keys)
        self._lone = self.keys[0] if len(self.keys) == 1 else None
        self._turn = 0
        self.alone = len(self.keys) <= 1
        """There is no choice, so no key is ever passed over."""

    @classmethod
    def of(
        cls,
        single: Revealable | None,
        several: Sequence[ProviderKey] = (),
        *,
        rotation: KeyRotation = "round_robin",
        cooldown_secs: float = 60,
    ) -> Pool:
        """The pool of a configuration; `single` is the key of the setting that takes one, and comes first."""
        keys = [Key(each.key, priority=each.priority, label=each.label) for each in several]
        if single is not None and not any(each.key == single for each in several):
            keys.insert(0, Key(single))
        return cls(keys, rotation=rotation, cooldown_secs=cooldown_secs)

    def take(self, now: float, held: Key | None = None) -> Key | None:
        """The key for a request. `held`: the one its session had. `None` only if there are no keys at all."""
        if self.alone:
            return self._lone
        if held is not None and held.rests_until <= now:
            return held
        if self.rotation == "round_robin":  # mostly, whose turn it is
            turn = self.keys[self._turn % len(self.keys)]
            if turn.rests_until <= now:
                self._turn += 1
                return turn
        key = self.spare(now, ())
        return key if key is not None else min(self.keys, key=lambda key: (key.dead, key.rests_until))

    def spare(self, now: float, tried: Collection[Key]) -> Key | None:
        """A key that does not rest and has not been `tried`, the one whose turn it is."""
        count = len(self.keys)
        start = self._turn if self.rotation == "round_robin" else 0
        for offset in range(count):
            place = (start + offset) % count
            key = self.keys[place]
            if key.rests_until <= now and key not in tried:
                self._turn = place + 1
                return key
        return None

    def wait(self, now: float) -> tuple[float | None, bool]:
        """Seconds until the first living key has rested, `None` if all are dead; and whether that is a guess."""
        alive = [key for key in self.keys if not key.dead]
        if not alive:
            return None, False
        first = min(alive, key=lambda key: key.rests_until)
        return max(first.rests_until - now, 0.0), first.guessed

    def resting(self, now: float) -> bool:
        """Whether none of several living keys may be used now: another provider would be better."""
        if self.alone:
            return False
        for key in self.keys:
            if key.rests_until <= now:
                return False
        return not all(key.dead for key in self.keys)

    def limited(self, key: Key, now: float, after: float | None) -> None:
        """`key` has run into a limit; the provider asks for `after` seconds."""
        key.limited_total += 1
        key.guessed = after is None
        key.rests_until = now + min(self.cooldown_secs if after is None else after, _REST_MAX_SECS)

    def __repr__(self) -> str:
        """Counts only."""
        dead = sum(key.dead for key in self.keys)
        return f"Pool({len(self.keys)} keys, {dead} dead, {self.rotation})"


def mask(secret: str) -> str:
    """The first and the last four characters; nothing of a secret that has no more than these."""
    return "*" * (2 * _SHOWN) if len(secret) <= 2 * _SHOWN else f"{secret[:_SHOWN]}…{secret[-_SHOWN:]}"
