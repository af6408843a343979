"""`GET /metrics`: the counts in the text format of Prometheus, version 0.0.4.

Names and the values of `final_layer` are those that dashboards for Isartor know. Nothing here is measured anew: each
number is one of `/health` or `/debug/stats/*`, of all workers together. What has never been counted has no sample: an
error rate without an audit is unknown, not zero.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from isartor.server.fellows import State

    Sample = tuple[dict[str, str], float]
    Family = tuple[str, str, str, Iterable[Sample]]

CONTENT_TYPE: Final = ("content-type", "text/plain; version=0.0.4; charset=utf-8")

_LAYERS: Final = {
    "l0": "L0_Gate",
    "l1a": "L1a_ExactCache",
    "l1b": "L1b_SemanticCache",
    "l2": "L2_SLM",
    "l3": "L3_Cloud",
}


def text(state: State, page: Mapping[str, Any]) -> bytes:
    """Everything. `page`: the body of `/debug/stats/semantic`."""
    return "".join(_lines([*_requests(state, page), *_semantic(page)])).encode()


def _requests(state: State, page: Mapping[str, Any]) -> Iterator[Family]:
    """Name, type, help and samples of what all layers count."""
    totals = state.totals
    by_layer = [({"final_layer": _LAYERS.get(layer, layer)}, count) for layer, count in totals["by_layer"].items()]
    yield "isartor_requests_total", "counter", "Prompts, by the layer that answered.", by_layer
    deflected = totals["total_deflected_prompts"]
    yield "isartor_deflected_total", "counter", "Prompts that were answered without the provider.", [({}, deflected)]
    exact = [
        ({"cache_layer": "L1a", "outcome": outcome, "tool": tool}, row[name])
        for tool, row in state.agents.items()
        for outcome, name in (("hit", "l1a_hits"), ("miss", "l1a_misses"))
    ]
    looked, served = page["looked"], page["served"]
    events = {"hit": served, "miss": looked - served}
    semantic = [({"cache_layer": "L1b", "outcome": outcome}, count) for outcome, count in events.items()]
    meaning = "Looks into a cache, by layer and outcome; those into the exact cache by AI tool as well."
    yield "isartor_cache_events_total", "counter", meaning, [*exact, *semantic]
    errors = [({"tool": tool}, row["error_count"]) for tool, row in state.agents.items()]
    yield "isartor_errors_total", "counter", "Replies with a status of 400 or more, by AI tool.", errors
    cache = state.cache
    yield "isartor_cache_entries", "gauge", "Stored replies.", [({}, cache.get("entries", 0))]
    yield "isartor_cache_bytes", "gauge", "Bytes of the stored replies.", [({}, cache.get("bytes", 0))]


def _semantic(page: Mapping[str, Any]) -> Iterator[Family]:
    """What the semantic cache counts."""
    for name, meaning in (
        ("looked", "Questions that were looked up."),
        ("candidates", "Questions for which a candidate was found."),
        ("served", "Candidates that were served."),
        ("reports", "Answers that clients reported as wrong."),
    ):
        yield f"isartor_semantic_{name}_total", "counter", meaning, _counted(page, name)
    for name, label, meaning in (
        ("skipped", "reason", "Questions that were not looked up."),
        ("refused", "reason", "Candidates that were not served."),
        ("audits", "outcome", "Would-be hits that the provider answered for comparison."),
    ):
        counts = page.get(name, {})
        yield f"isartor_semantic_{name}_total", "counter", meaning, [({label: key}, n) for key, n in counts.items()]
    observed = page.get("observed_error_rate", {})
    about = "of wrong answers among semantic hits, as audits observed it"
    yield "isartor_semantic_error_rate", "gauge", f"Share {about}.", _counted(observed, "rate")
    yield (
        "isartor_semantic_error_rate_low",
        "gauge",
        f"Lower 95 % bound of the share {about}.",
        _counted(observed, "low"),
    )
    yield (
        "isartor_semantic_error_rate_high",
        "gauge",
        f"Upper 95 % bound of the share {about}.",
        _counted(observed, "high"),
    )
    yield "isartor_semantic_error_rate_audits", "gauge", "Audits behind that share.", _counted(observed, "audits")
    meaning = "Share of wrong answers among semantic hits that the calibration expects."
    yield "isartor_semantic_expected_error_rate", "gauge", meaning, _counted(page, "expected_error_rate")
    index = page.get("index", {})
    yield "isartor_semantic_index_entries", "gauge", "Questions in the index.", _counted(index, "entries")
    yield "isartor_semantic_index_bytes", "gauge", "Bytes of the index.", _counted(index, "bytes")


def _counted(counts: Mapping[str, Any], name: str) -> list[Sample]:
    value = counts.get(name)
    return [] if value is None else [({}, value)]


def _lines(families: Iterable[Family]) -> Iterator[str]:
    for name, kind, meaning, samples in families:
        found = list(samples)
        if not found:
            continue
        yield f"# HELP {name} {_escaped(meaning)}\n# TYPE {name} {kind}\n"
        for labels, value in found:
            shown = ",".join(f'{label}="{_escaped(worth, quoted=True)}"' for label, worth in labels.items())
            yield f"{name}{{{shown}}} {_number(value)}\n" if shown else f"{name} {_number(value)}\n"


def _escaped(value: str, *, quoted: bool = False) -> str:
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quoted else escaped


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))
