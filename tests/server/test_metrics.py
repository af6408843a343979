"""`GET /metrics` against a reader of the format that takes nothing but what the format allows."""

from __future__ import annotations

import re

import pytest

from isartor.server import metrics
from isartor.server.fellows import State
from isartor.stack.l1b.figures import Figures, page
from tests.server.test_pages import app, call

__all__ = ["app"]

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"^({_NAME})(?:\{{(.*)\}})? (-?[0-9.e+-]+|NaN|[+-]Inf)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


def parsed(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels; fails on whatever the format does not allow."""
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    lines = text.split("\n")[:-1]
    for before, line in zip(["", *lines], lines):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert before.startswith(f"# HELP {name} ")
            assert name not in kinds
            assert kind in {"counter", "gauge"}
            assert (kind == "counter") == name.endswith("_total")
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            sample = _SAMPLE.match(line)
            assert sample is not None, line
            assert list(kinds)[-1] == sample[1], "samples stand below their own head"
            labels = _LABEL.findall(sample[2] or "")
            assert ",".join(f'{name}="{value}"' for name, value in labels) == (sample[2] or ""), line
            whole = {name: re.sub(r"\\(.)", lambda c: "\n" if c[1] == "n" else c[1], value) for name, value in labels}
            assert (sample[1], tuple(whole.items())) not in found
            found[sample[1], tuple(whole.items())] = float(sample[3])
    return found


def state(**totals: object) -> State:
    """Counts of nothing but what is given."""
    return State(0.0, {"by_layer": {}, "total_deflected_prompts": 0, **totals}, {}, [], {})


def test_prompts_are_counted_by_layer(app: object) -> None:
    """Under the names that dashboards know; a repeat is a hit of the exact cache, and is deflected."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    for _ in range(3):
        call(app, "POST", "/v1/chat/completions", [("user-agent", "codex_cli_rs/1.0")], body)  # type: ignore[arg-type]
    reply = call(app, "GET", "/metrics")  # type: ignore[arg-type]
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found = parsed(reply.body.decode())
    assert found["isartor_requests_total", (("final_layer", "L3_Cloud"),)] == 1
    assert found["isartor_requests_total", (("final_layer", "L1a_ExactCache"),)] == 2
    assert found["isartor_deflected_total", ()] == 2
    assert found["isartor_cache_entries", ()] == 1
    assert found["isartor_cache_bytes", ()] > 0
    hits = [
        value
        for (name, labels), value in found.items()
        if ("outcome", "hit") in labels and ("cache_layer", "L1a") in labels
    ]
    assert hits == [2]
    assert ("isartor_semantic_served_total", ()) in found


def test_an_error_rate_without_audits_is_not_there() -> None:
    """Unknown is not zero."""
    found = parsed(metrics.text(state(), page({}, {})).decode())
    assert ("isartor_semantic_error_rate", ()) not in found
    assert ("isartor_semantic_error_rate_high", ()) not in found
    assert found["isartor_semantic_error_rate_audits", ()] == 0


def test_the_observed_error_rate_has_its_bounds() -> None:
    """Rate, interval and the number of audits behind them."""
    figures = Figures()
    figures.audits.update(agree=198, disagree=2, unclear=5)
    figures.served, figures.risk = 1000, 5.0
    found = parsed(metrics.text(state(), page(figures.sums(), {})).decode())
    assert found["isartor_semantic_error_rate", ()] == 0.01
    assert found["isartor_semantic_error_rate_low", ()] < 0.01 < found["isartor_semantic_error_rate_high", ()]
    assert found["isartor_semantic_error_rate_audits", ()] == 200
    assert found["isartor_semantic_audits_total", (("outcome", "unclear"),)] == 5
    assert found["isartor_semantic_expected_error_rate", ()] == 0.005


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "a\\nb", "é\u2028", "{}", 'x"} 1\nevil_total 1'])
def test_a_label_is_any_text(name: str) -> None:
    """What stands in a label neither ends it nor begins another line."""
    found = parsed(metrics.text(state(by_layer={name: 1}), page({}, {})).decode())
    assert found["isartor_requests_total", (("final_layer", name),)] == 1
