"""What a reply is taken to have used."""

from __future__ import annotations

from typing import Any, cast

import pytest

from isartor.ports import Call, Reached, Spent, Tally
from isartor.stack.account import Account
from tests.stack.fakes import JSON, FakeResponse


class _Books:
    def __init__(self) -> None:
        self.entries: list[Spent] = []

    def spent(self, head: object, spent: Spent, *, tenant: str, followers: int = 0) -> None:
        self.entries.append(spent)


class _Anything:
    head = tenant = None
    boarded = 1


@pytest.mark.parametrize(
    ("endpoint", "tally"),
    [
        ("count_tokens", Tally()),
        ("gemini_count", Tally()),
        ("chat", Tally(input=100, output=5, estimated=True)),
    ],
)
def test_counting_tokens_costs_none(endpoint: str, tally: Tally) -> None:
    """A reply that tells no usage is estimated, but a count of tokens has used none: no model was asked."""
    books = _Books()
    call = Call(endpoint=endpoint, model="m", stream=False, body=b"{}", tokens=100)
    account = Account(cast("Any", _Anything()), call, cast("Any", _Anything()), books)
    account.open(Reached(response=cast("Any", FakeResponse(200, JSON)), provider="p", model="m"))
    account.bytes = 20
    source = account.source()
    assert ("tally" in source) == (endpoint != "chat")  # the store estimates as the account does
    assert source.get("tally", (0, 0, 0, 0, 0, False)) == (0, 0, 0, 0, 0, False)
    account.settle(well=True)
    assert [spent.tally for spent in books.entries] == [tally]
