"""L1b in a real gateway with the bundled model: other words hit, everything else that differs does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import settings_for
from tests.stub import Stub
from tests.wire.ask import ANSWERING, PROVIDER_OF, body, ended, layer, path, post, said
from tests.wire.gateway import Gateway

Fresh = Callable[..., str]
MakeGateway = Callable[..., Gateway]

ASKED = "How do I find the ten largest files below a directory in bash?"
OTHER = "In bash, how do I find the 10 biggest files below a directory?"
ANOTHER = "In bash, how do I find the 5 biggest files below a directory?"
SURFACES = tuple(endpoint for endpoint in ANSWERING if endpoint != "completions")
"""Those whose requests have turns."""
PATIENCE_SECS = 30.0


def until(holds: Callable[[], bool]) -> None:
    """Look again until it holds."""
    end = time.monotonic() + PATIENCE_SECS
    while not holds():
        assert time.monotonic() < end, "it took too long"


def active(gateway: Gateway) -> Gateway:
    """Wait until its model is there, in whichever of its workers answers."""
    until(lambda: state(gateway) == "active")
    return gateway


def state(gateway: Gateway) -> str:
    return str(httpx.get(gateway.url + "/health", trust_env=False).json()["layers"]["l1b"])


def figures(gateway: Gateway) -> Any:
    return httpx.get(gateway.url + "/debug/stats/semantic", trust_env=False).json()


@pytest.fixture(scope="module")
def semantic(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Gateway]]:
    """Give this module's gateway for an endpoint's provider; none of its hits is audited."""
    running: dict[str, Gateway] = {}

    def get(endpoint: str) -> Gateway:
        provider = PROVIDER_OF.get(endpoint, "openai")
        if provider not in running:
            settings = settings_for(provider, stub) | {"semantic_cache__audit_rate": "0"}
            running[provider] = active(Gateway(tmp_path_factory.mktemp(provider), settings).start())
        return running[provider]

    yield get
    for gateway in running.values():
        assert gateway.stop() == 0
        assert "Traceback" not in gateway.log, gateway.log[-6000:]


@pytest.fixture
def session(fresh: Fresh) -> dict[str, str]:
    """A session of the test's own: its questions meet no others."""
    return {"x-isartor-session-id": fresh()}


Semantic = Callable[[str], Gateway]


# -- hits


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("endpoint", SURFACES)
def test_other_words_hit_and_are_an_exact_hit_from_then_on(
    endpoint: str, stream: bool, semantic: Semantic, http: httpx.Client, stub: Stub, session: dict[str, str]
) -> None:
    """The second wording gets the first one's reply, as JSON or as a stream; repeated, it is an L1a hit."""
    url = semantic(endpoint).url
    first = post(http, url, endpoint, ASKED, stream=stream, headers=session)
    replies = [post(http, url, endpoint, OTHER, stream=stream, headers=session) for _ in range(2)]
    assert [layer(reply) for reply in (first, *replies)] == ["l3", "l1b", "l1a"]
    assert {said(endpoint, reply) for reply in replies} == {said(endpoint, first)}
    assert len({reply.headers["content-type"].partition(";")[0] for reply in (first, *replies)}) == 1
    if stream:
        assert all(ended(endpoint, reply.content) for reply in replies)
    hit, repeat = (reply.headers for reply in replies)
    assert (hit["x-isartor-deflected"], repeat["x-isartor-deflected"]) == ("true", "true")
    assert 0.85 < float(hit["x-isartor-similarity"]) < 1
    assert hit["cache-status"].startswith("isartor; hit; detail=semantic; ttl=")
    assert "x-isartor-similarity" not in repeat
    assert hit["x-isartor-cache-key"] == repeat["x-isartor-cache-key"] != first.headers["x-isartor-cache-key"]


@pytest.mark.parametrize("endpoint", SURFACES)
def test_what_was_stored_as_a_stream_answers_as_json_and_the_reverse(
    endpoint: str, semantic: Semantic, http: httpx.Client, session: dict[str, str]
) -> None:
    """The form belongs to the client, not to the entry."""
    url = semantic(endpoint).url
    for stream in (True, False):
        own = {"x-isartor-session-id": session["x-isartor-session-id"] + str(stream)}
        first = post(http, url, endpoint, ASKED, stream=stream, headers=own)
        other = post(http, url, endpoint, OTHER, stream=not stream, headers=own)
        assert layer(other) == "l1b"
        assert said(endpoint, other) == said(endpoint, first)


def test_the_native_surface_has_it_too(semantic: Semantic, http: httpx.Client, session: dict[str, str]) -> None:
    """Other words get the stored message."""
    url = semantic("chat").url
    first = post(http, url, "native", ASKED, headers=session)
    other = post(http, url, "native", OTHER, headers=session)
    assert layer(other) == "l1b"
    assert said("native", other) == said("native", first)


# -- misses


@pytest.mark.parametrize("endpoint", SURFACES)
def test_another_fact_misses(endpoint: str, semantic: Semantic, http: httpx.Client, session: dict[str, str]) -> None:
    """Another number, the opposite, another thing: near, and still asked."""
    url = semantic(endpoint).url
    asked = (
        ASKED,
        ANOTHER,
        "How do I enable two-factor authentication on my account?",
        "How do I disable two-factor authentication on my account?",
        "How do I deploy the app to staging?",
        "How do I deploy the app to production?",
        "What does the emoji 😀 mean in a message?",
        "What does the emoji 😡 mean in a message?",
        "如何启用两步验证？",
        "如何禁用两步验证？",
    )
    replies = [post(http, url, endpoint, question, headers=session) for question in asked]
    assert [layer(reply) for reply in replies] == ["l3"] * len(asked)
    for near in replies[1::2]:
        status = near.headers["cache-status"]
        assert "detail=semantic-differs" in status or "detail=semantic-unsure" in status


TURNS = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]


@pytest.mark.parametrize(
    "more",
    [
        {"model": "gpt-4o"},
        {"temperature": 0.1},
        {"max_tokens": 7},
        {"seed": 3},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": OTHER}]},
        {"messages": [*TURNS, {"role": "user", "content": OTHER}]},
        {"never_heard_of": 1},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": OTHER},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    ],
                }
            ]
        },
    ],
    ids=lambda more: next(iter(more)),
)
def test_only_the_words_of_the_last_turn_may_differ(
    more: dict[str, Any], semantic: Semantic, http: httpx.Client, session: dict[str, str]
) -> None:
    """Model, parameters, system prompt, earlier turns, tools, images: whatever else differs is a miss."""
    url = semantic("chat").url
    assert layer(post(http, url, "chat", ASKED, headers=session)) == "l3"
    changed = http.post(url + path("chat"), json=body("chat", OTHER) | more, headers=session)
    assert layer(changed) == "l3"
    assert layer(post(http, url, "chat", OTHER, headers=session)) == "l1b"


def test_other_sessions_and_tenants_share_nothing(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """Neither another session nor another namespace gets the reply."""
    gateway = active(make_gateway(gateway_api_key="key-one", semantic_cache__audit_rate="0"))
    key = {"authorization": "Bearer key-one"}
    asked = [
        post(http, gateway.url, "chat", ASKED, headers=key | {"x-session-id": "a"}),
        post(http, gateway.url, "chat", OTHER, headers=key | {"x-session-id": "b"}),
        post(http, gateway.url, "chat", OTHER, headers=key),
        post(http, gateway.url, "chat", OTHER, headers=key | {"x-session-id": "a", "x-ghost-mode": "true"}),
        post(http, gateway.url, "chat", OTHER, headers=key | {"x-session-id": "a"}),
    ]
    assert [layer(reply) for reply in asked] == ["l3"] * 4 + ["l1b"]


def _strange() -> Iterator[str]:
    yield ""
    yield "   \n\t "
    yield "\x00\x01\x02 \x1b[31m\x7f"
    yield "\u202eمرحبا بالعالم\u202c שלום"
    yield "Привет мир 你好 mixed ⅷ ﷽"
    yield "🙂" * 100
    yield "a\u0300" * 300
    yield "word " * 2_000_000


@pytest.mark.parametrize("question", list(_strange()), ids=range(8))
@pytest.mark.parametrize("endpoint", SURFACES)
def test_strange_last_turns_are_no_crash_and_no_false_hit(
    endpoint: str, question: str, semantic: Semantic, http: httpx.Client, session: dict[str, str]
) -> None:
    """Empty, control characters, right-to-left, mixed scripts, ten megabytes: answered, and never from an entry."""
    url = semantic(endpoint).url
    post(http, url, endpoint, ASKED, headers=session)
    replies = [post(http, url, endpoint, text, headers=session) for text in (question, question + " not so")]
    assert [layer(reply) for reply in replies] == ["l3", "l3"]
    assert {reply.status_code for reply in replies} <= {200, 400}


# -- cache controls


def test_cache_control_holds_for_other_words_too(
    semantic: Semantic, http: httpx.Client, session: dict[str, str]
) -> None:
    """`only-if-cached` may be answered, `no-cache` and `max-age=0` are not."""
    url = semantic("chat").url
    post(http, url, "chat", ASKED, headers=session)

    def ask(directive: str) -> httpx.Response:
        return post(http, url, "chat", OTHER, headers=session | {"cache-control": directive})

    assert layer(ask("max-age=0")) == "l3"
    again = {"x-isartor-session-id": session["x-isartor-session-id"] + "2"}
    post(http, url, "chat", ASKED, headers=again)
    reply = post(http, url, "chat", OTHER, headers=again | {"cache-control": "only-if-cached"})
    assert (reply.status_code, layer(reply)) == (200, "l1b")
    reply = post(http, url, "chat", ANOTHER, headers=again | {"cache-control": "only-if-cached"})
    assert reply.status_code == 504
    assert layer(post(http, url, "chat", OTHER, headers=again | {"cache-control": "no-cache"})) == "l3"


def test_no_store_leaves_nothing_to_find(semantic: Semantic, http: httpx.Client, session: dict[str, str]) -> None:
    """What must not be stored is in no index."""
    url = semantic("chat").url
    post(http, url, "chat", ASKED, headers=session | {"cache-control": "no-store"})
    assert layer(post(http, url, "chat", OTHER, headers=session)) == "l3"


def test_a_reply_that_was_cut_is_never_found(
    semantic: Semantic, http: httpx.Client, stub: Stub, session: dict[str, str]
) -> None:
    """A stream that breaks off is stored nowhere, and so indexed nowhere."""
    url = semantic("chat").url
    stub.fault("cut=2", match=ASKED)
    with pytest.raises(httpx.HTTPError):
        reply = post(http, url, "chat", ASKED, stream=True, headers=session)
        raise httpx.HTTPError(reply.text)  # it may as well be told as an event
    assert layer(post(http, url, "chat", OTHER, headers=session)) == "l3"


# -- what is taken away


@pytest.mark.parametrize("by", ["key", "second key", "all"])
def test_what_is_invalidated_is_not_found(by: str, make_gateway: MakeGateway, http: httpx.Client) -> None:
    """By its own key, by that of another wording, or with everything: no wording finds it any more."""
    gateway = active(make_gateway(semantic_cache__audit_rate="0"))
    key = post(http, gateway.url, "chat", ASKED).headers["x-isartor-cache-key"]
    second = post(http, gateway.url, "chat", OTHER).headers["x-isartor-cache-key"]
    what: dict[str, Any] = {"key": {"key": key}, "second key": {"key": second}, "all": {"all": True}}[by]
    reply = http.post(gateway.url + "/api/v1/cache/invalidate", json=what)
    assert reply.json()["invalidated"] >= 1
    third = "Which are the ten largest files below a directory, in bash?"
    assert layer(post(http, gateway.url, "chat", third)) == "l3"


def test_an_entry_ends_with_its_time(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """Past `cache_ttl_secs` other words miss as well."""
    gateway = active(make_gateway(semantic_cache__audit_rate="0", cache_ttl_secs="1"))
    post(http, gateway.url, "chat", ASKED)
    stored = time.monotonic()
    until(lambda: time.monotonic() > stored + 1.1)
    assert layer(post(http, gateway.url, "chat", OTHER)) == "l3"


# -- modes and policies


def test_exact_mode_has_no_semantic_cache(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """`cache_mode = "exact"`: other words are asked, and no model is loaded."""
    gateway = make_gateway(cache_mode="exact")
    replies = [post(http, gateway.url, "chat", question) for question in (ASKED, OTHER, ASKED)]
    assert [layer(reply) for reply in replies] == ["l3", "l3", "l1a"]
    assert state(gateway) == "disabled"
    assert figures(gateway)["state"] == "disabled"


def test_semantic_mode_answers_everything_through_l1b(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """`cache_mode = "semantic"`: repeats and other words alike."""
    gateway = active(make_gateway(cache_mode="semantic", semantic_cache__audit_rate="0"))
    replies = [post(http, gateway.url, "chat", question) for question in (ASKED, ASKED, OTHER, OTHER, ANOTHER)]
    assert [layer(reply) for reply in replies] == ["l3", "l1b", "l1b", "l1b", "l3"]


def test_a_threshold_serves_what_the_verifier_would_not(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """`policy = "threshold"` is as wrong as it is elsewhere, and the start says so."""
    gateway = active(make_gateway(semantic_cache__policy="threshold", semantic_cache__audit_rate="0"))
    replies = [post(http, gateway.url, "chat", question) for question in (ASKED, ANOTHER)]
    assert [layer(reply) for reply in replies] == ["l3", "l1b"]
    assert "similarity alone decides" in " ".join(gateway.log.split())


# -- audits


def test_an_audit_that_agrees(make_gateway: MakeGateway, stub: Stub, http: httpx.Client) -> None:
    """Every hit is withheld, the provider says the same, and the observed error rate has an audit behind it."""
    gateway = active(make_gateway(semantic_cache__audit_rate="1"))
    stub.fault("text=Use du and sort.", match=ASKED)
    stub.fault("text=Use `du` and **sort**.", match=OTHER)
    post(http, gateway.url, "chat", ASKED)
    reply = post(http, gateway.url, "chat", OTHER)
    assert layer(reply) == "l3"
    assert "detail=semantic-audit" in reply.headers["cache-status"]
    until(lambda: figures(gateway)["audits"]["agree"] == 1)
    page = figures(gateway)
    assert page["observed_error_rate"]["audits"] == 1
    assert page["observed_error_rate"]["rate"] == 0
    assert page["served"] == 0
    assert layer(post(http, gateway.url, "chat", OTHER)) == "l1a"
    line = json.loads((gateway.folder / ".isartor" / "semantic-outcomes.jsonl").read_text())
    assert (line["right"], line["source"]) == (True, "audit")
    assert "bash" not in str(line)


def test_an_audit_that_disagrees(make_gateway: MakeGateway, stub: Stub, http: httpx.Client) -> None:
    """The stored reply is taken away, the fresh one stays, and the pair is not proposed again."""
    settings = {"semantic_cache__policy": "threshold", "similarity_threshold": "0.5"}
    gateway = active(make_gateway(semantic_cache__audit_rate="1", **settings))
    asked, other = "How long should I boil spaghetti?", "How long should I boil eggs?"
    stub.fault("text=Boil spaghetti for 8 to 10 minutes in plenty of salted water.", match=asked)
    stub.fault("text=Boil eggs for 6 minutes if you like the yolk soft or 12 if you like them hard.", match=other)
    key = post(http, gateway.url, "chat", asked).headers["x-isartor-cache-key"]
    assert "detail=semantic-audit" in post(http, gateway.url, "chat", other).headers["cache-status"]
    until(lambda: figures(gateway)["audits"]["disagree"] == 1)
    assert figures(gateway)["observed_error_rate"]["rate"] == 1
    replies = [post(http, gateway.url, "chat", question) for question in (other, asked)]
    assert [layer(reply) for reply in replies] == ["l1a", "l3"]
    assert replies[1].headers["x-isartor-cache-key"] == key


def test_an_audit_costs_no_answer_when_the_provider_fails(
    make_gateway: MakeGateway, stub: Stub, http: httpx.Client
) -> None:
    """The reply that was withheld is served after all."""
    gateway = active(make_gateway(semantic_cache__audit_rate="1"))
    first = post(http, gateway.url, "chat", ASKED)
    stub.fault("status=503", match=OTHER)
    reply = post(http, gateway.url, "chat", OTHER)
    assert (reply.status_code, layer(reply)) == (200, "l1b")
    assert said("chat", reply) == said("chat", first)
    assert figures(gateway)["stood_in"] == 1


# -- faults


@pytest.mark.parametrize(
    ("settings", "said_of_it"),
    [
        ({"embedding_model": "{folder}/nowhere"}, "nowhere: expected a folder with model.onnx and tokenizer.json"),
        (
            {"semantic_cache__provider": "tei", "semantic_cache__remote_url": "{stub}"},
            "expected from /info a JSON object with model_id and max_input_length",
        ),
        (
            {"semantic_cache__provider": "sidecar", "embedding_sidecar__sidecar_url": "http://127.0.0.1:9"},
            "127.0.0.1:9",
        ),
    ],
    ids=["folder", "tei", "sidecar"],
)
def test_a_model_that_cannot_be_had_is_one_line(
    settings: dict[str, str], said_of_it: str, make_gateway: MakeGateway, stub: Stub, http: httpx.Client, tmp_path: Path
) -> None:
    """The gateway runs on without L1b, `/health` says why, and so does one line of the log."""
    chosen = {name: value.format(folder=tmp_path, stub=stub.url) for name, value in settings.items()}
    gateway = make_gateway(**chosen)
    until(lambda: state(gateway).startswith("unavailable: "))
    assert said_of_it in state(gateway)
    replies = [post(http, gateway.url, "chat", question) for question in (ASKED, OTHER, ASKED)]
    assert [layer(reply) for reply in replies] == ["l3", "l3", "l1a"]
    assert figures(gateway)["skipped"]["unavailable"] == 2
    assert len([line for line in gateway.log.splitlines() if "the semantic cache is off" in line]) == 1


def test_outcomes_of_nobody_and_garbage_do_no_harm(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """Unreadable lines in the file of outcomes are counted and skipped."""
    gateway = make_gateway(start=False, semantic_cache__audit_rate="0")
    folder = gateway.folder / ".isartor"
    folder.mkdir()
    (folder / "semantic-outcomes.jsonl").write_bytes(b"garbage\n\xff\n{}\n")
    (folder / "semantic-calibration.json").write_bytes(b"garbage")
    active(gateway.start())
    assert figures(gateway)["unreadable_outcomes"] == 3
    assert "semantic-calibration.json" in gateway.log
    post(http, gateway.url, "chat", ASKED)
    assert layer(post(http, gateway.url, "chat", OTHER)) == "l1b"


def test_two_workers_add_up(make_gateway: MakeGateway, http: httpx.Client) -> None:
    """The page counts what all workers looked up and served."""
    gateway = make_gateway(arguments=("--workers", "2"), semantic_cache__audit_rate="0")
    active(gateway)
    for number in range(40):
        httpx.post(gateway.url + path("chat"), json=body("chat", f"What is {number} plus {number}?"), trust_env=False)
    until(lambda: figures(gateway)["looked"] + figures(gateway)["skipped"]["loading"] == 40)
    until(lambda: figures(gateway)["index"]["added"] >= figures(gateway)["looked"] - figures(gateway)["served"])
