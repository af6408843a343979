"""`isartor cache ...` with the real model and a real gateway."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from tests.cli.running import Shell, free_port
from tests.cli.test_up import wait_for

ASKED = "How do I find the ten largest files below a directory in bash?"
OTHER = "In bash, how do I find the 10 biggest files below a directory?"
ANOTHER = "In bash, how do I find the 5 biggest files below a directory?"


def test_explain_judges_as_the_gateway_does(shell: Shell) -> None:
    """Other words are served, another number and the opposite are not, and JSON tells why."""
    shown = {
        b: json.loads(shell.run("cache", "explain", "--json", a, b).stdout)
        for a, b in (
            (ASKED, OTHER),
            (ASKED, ANOTHER),
            ("How do I enable dark mode?", "How do I disable dark mode?"),
        )
    }
    assert shown.pop(OTHER)["served"] is True
    for other, document in shown.items():
        assert document["served"] is False, other
        assert document["reasons"], other
        assert document["similarity"] > 0.85, "the seed's threshold would have served it"


def test_explain_of_any_text_is_an_answer_or_a_line(shell: Shell) -> None:
    """Control characters, mixed scripts and right-to-left text are judged; what is too long is one line."""
    for text in ("\x01\x1b[2J", "مرحبا بالعالم", "Привет, 世界 и hello", "?", "x" * 5000):
        result = shell.run("cache", "explain", ASKED, text)
        assert result.returncode == 0, (text, result.stderr)
        assert "would not be served" in result.stdout
        assert "\x1b" not in result.stdout
    result = shell.run("cache", "explain", ASKED, "word " * 2000)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)


class Gateway:
    """A running gateway, and what it answers to a question."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def ask(self, question: str) -> dict[str, str]:
        """The headers of the reply."""
        body = {"model": "m", "messages": [{"role": "user", "content": question}]}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body))
        reply = self.connection.getresponse()
        reply.read()
        assert reply.status == 200
        return {name.lower(): value for name, value in reply.getheaders()}

    def state(self) -> str:
        """Of the semantic cache."""
        self.connection.request("GET", "/health")
        return str(json.loads(self.connection.getresponse().read())["layers"]["l1b"])


@pytest.fixture
def gateway(shell: Shell) -> Iterator[Gateway]:
    """A gateway with the demo provider, its model loaded."""
    port = free_port()
    shell.environment["ISARTOR_GATEWAY_URL"] = f"http://127.0.0.1:{port}"
    with shell.start("up", "--demo", "--port", str(port)) as process:
        wait_for(process, port)
        found = Gateway(port)
        end = time.monotonic() + 30
        while found.state() == "loading":
            assert time.monotonic() < end
            time.sleep(0.02)
        assert found.state() == "active"
        yield found
        found.connection.close()
        process.terminate()
        process.communicate(timeout=30)


def test_a_wrong_answer_is_taken_back(shell: Shell, gateway: Gateway) -> None:
    """Other words hit, the list shows both ways to the entry, a report ends both for good, and the numbers tell of it."""
    key = gateway.ask(ASKED)["x-isartor-cache-key"]
    hit = gateway.ask(OTHER)
    assert (hit["x-isartor-layer"], hit["x-isartor-deflected"]) == ("l1b", "true")
    assert 0.85 < float(hit["x-isartor-similarity"]) <= 1
    listed = json.loads(shell.run("cache", "list", "--json").stdout)["entries"]
    assert [(entry["key"], entry["question"], entry["keys"]) for entry in listed] == [(key, ASKED, 2)]
    assert key[:12] in shell.run("cache", "list").stdout
    report = shell.run("cache", "report", hit["x-isartor-cache-key"])
    assert (report.returncode, report.stdout) == (0, "Quarantined: 1 reply.\n")
    again = shell.run("cache", "report", key)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert [gateway.ask(question)["x-isartor-layer"] for question in (ASKED, OTHER)] == ["l3", "l3"]
    stats = json.loads(shell.run("stats", "--json").stdout)["semantic"]
    assert (stats["served"], stats["reports"]) == (1, 1)
    assert "no audits yet" in shell.run("stats").stdout
    assert shell.run("cache", "invalidate", key[:12]).stdout == "Removed: 1 reply.\n"
