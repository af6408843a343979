"""Other gateways under the same load: installed into `.cache/bench` on first use, each in a place of its own.

A rival that does not install or start is named in the report with the reason, and does not fail the run.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from benches import client, fixtures
from benches.client import HEADERS
from benches.lab import Lab, Rounds, stub_requests
from benches.machine import version
from benches.processes import ROOT, DiedError, Server, free_port
from benches.results import Rival
from benches.rows.expect import WrongAnswerError, message, require
from benches.stub import TEXT
from benches.wrk import LoadError, Target

CACHE: Final = ROOT / ".cache" / "bench"
MIB: Final = 2**20
SETTLE_SECS: Final = 3.0
READY_SECS: Final = 120.0
HIT_CONNECTIONS: Final = 32
MISS_CONNECTIONS: Final = 16
PORTKEY: Final = "@portkey-ai/gateway"
LITELLM: Final = "litellm[proxy]"
# It does not start without a key otherwise; Isartor runs without one here, too.
NO_KEY: Final = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"


class Contender(msgspec.Struct, frozen=True):
    """A gateway that can be put under load."""

    name: str
    version: Callable[[], str]
    install: Callable[[], None]
    command: Callable[[Path, int, Server], list[str]]
    env: Callable[[Server], dict[str, str]]
    headers: Callable[[Server], Mapping[str, str]]
    ready_path: str
    note: str


def run(lab: Lab) -> list[Rival]:
    """Each rival in turn with Isartor; Isartor's own line is the median over all of those rounds."""
    with lab.stub() as upstream, lab.gateway(upstream) as gateway:
        time.sleep(SETTLE_SECS)
        ours = Rival("Isartor", version("isartor"), idle_rss_mib=weight(gateway))
        theirs = [against(lab, upstream, gateway, contender, ours) for contender in (litellm(), portkey())]
        return [msgspec.structs.replace(ours, loaded_rss_mib=weight(gateway)), *theirs]


def against(lab: Lab, upstream: Server, gateway: Server, contender: Contender, ours: Rival) -> Rival:
    """One rival: installed, started, checked, weighed, loaded. Our numbers are added to `ours`."""
    lab.say(f"  {contender.name}")
    try:
        contender.install()
        with started(lab, upstream, contender) as server:
            time.sleep(SETTLE_SECS)
            idle = weight(server)
            headers = contender.headers(upstream)
            hits = Rounds()
            if caches(server, upstream, headers):
                hits = lab.compare(
                    Target(gateway.port, fixtures.SMALL, HIT_CONNECTIONS),
                    Target(server.port, fixtures.SMALL, HIT_CONNECTIONS, headers=headers),
                )
            misses = lab.compare(
                Target(gateway.port, fixtures.DISTINCT, MISS_CONNECTIONS, distinct=True),
                Target(server.port, fixtures.DISTINCT, MISS_CONNECTIONS, distinct=True, headers=headers),
            )
            loaded = weight(server)
    except (DiedError, WrongAnswerError, LoadError, OSError, subprocess.CalledProcessError) as error:
        reason = " ".join(str(error).split())[:300]
        lab.say(f"    left out: {reason}")
        return Rival(contender.name, contender.version(), note=f"left out: {reason}")
    ours.hit.extend(hits.ours)
    ours.pass_through.extend(misses.ours)
    hit_note = (
        f"{median(hits.ratios):,.0f} times its hits"
        if hits.ours
        else "its hits are not measured: what it installs answered every repeat by asking the upstream again"
    )
    pass_note = f"{median(misses.ratios):,.1f} times its pass-through"
    note = f"{contender.note}; Isartor in the same rounds: {pass_note}, {hit_note}"
    return Rival(contender.name, contender.version(), hits.theirs, misses.theirs, idle, loaded, note)


@contextmanager
def started(lab: Lab, upstream: Server, contender: Contender) -> Iterator[Server]:
    """The rival, pinned as Isartor is."""
    home, port = lab.home(), free_port()
    command = contender.command(home, port, upstream)
    server = Server(
        contender.name.lower(),
        command,
        port=port,
        cpus=lab.cpus.server,
        home=home,
        env=contender.env(upstream),
    )
    with lab.running(server):
        yield server.ready(contender.ready_path, READY_SECS)


def caches(server: Server, upstream: Server, headers: Mapping[str, str]) -> bool:
    """Whether repeats are answered without the upstream; raises unless every answer is the upstream's."""
    before = stub_requests(upstream)
    for _ in range(3):
        answer = client.post(server.port, fixtures.SMALL, headers=headers)
        require(answer.status == HTTPStatus.OK, "a rival is to answer", answer)
        require(message(answer) == TEXT.decode(), "a rival is to give the upstream's text", answer)
        time.sleep(0.2)
    repeats = stub_requests(upstream) - before
    sent = fixtures.numbered(fixtures.DISTINCT, 0)
    answer = client.post(server.port, sent, headers=headers)
    require(message(answer).endswith(f"{0:012d}"), "a rival's new request is to get its own answer", answer)
    require(
        stub_requests(upstream) == before + repeats + 1,
        "a rival's new request is to reach the upstream",
        answer,
    )
    return repeats == 1


def weight(server: Server) -> float:
    """RSS of all processes, in MiB."""
    return round(server.rss_bytes() / MIB, 1)


def litellm() -> Contender:
    """LiteLLM's proxy, one worker, its cache in memory."""
    folder = CACHE / "litellm"

    def install() -> None:
        if not (folder / "bin" / "litellm").exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            subprocess.run([folder / "bin" / "pip", "install", "-q", LITELLM], check=True, capture_output=True)

    def command(home: Path, port: int, upstream: Server) -> list[str]:
        config = home / "config.yaml"
        model = {
            "model": f"openai/{fixtures.MODEL}",
            "api_base": f"http://127.0.0.1:{upstream.port}/v1",
            "api_key": "x",
        }
        settings = {
            "model_list": [{"model_name": fixtures.MODEL, "litellm_params": model}],
            "litellm_settings": {
                "cache": True,
                "cache_params": {"type": "local", "ttl": 3600},
                "telemetry": False,
            },
        }
        config.write_text(json.dumps(settings))  # JSON is YAML.
        return [
            str(folder / "bin" / "litellm"),
            "--config",
            str(config),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]

    def installed() -> str:
        found = sorted(folder.glob("lib/python*/site-packages/litellm-*.dist-info"))
        return found[0].name.removeprefix("litellm-").removesuffix(".dist-info") if found else "-"

    return Contender(
        name="LiteLLM proxy",
        version=installed,
        install=install,
        command=command,
        env=lambda _: {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", NO_KEY: "true"},
        headers=lambda _: HEADERS,
        ready_path="/health/liveliness",
        note="one worker, `cache: true` with `type: local`",
    )


def portkey() -> Contender:
    """Portkey's gateway on Node, its simple cache switched on for each request by header."""
    folder = CACHE / "portkey"
    package = folder / "node_modules" / PORTKEY

    def install() -> None:
        if not package.exists():
            npm = shutil.which("npm") or "npm"
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run([npm, "install", "--prefix", folder, "--no-audit", "--no-fund", PORTKEY],
                           check=True, capture_output=True)  # fmt: skip

    def installed() -> str:
        manifest = package / "package.json"
        return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else "-"

    def headers(upstream: Server) -> Mapping[str, str]:
        config = {
            "provider": "openai",
            "api_key": "x",
            "custom_host": f"http://127.0.0.1:{upstream.port}/v1",
            "cache": {"mode": "simple", "max_age": 3600},
        }
        return HEADERS | {"x-portkey-config": json.dumps(config, separators=(",", ":"))}

    return Contender(
        name="Portkey gateway",
        version=installed,
        install=install,
        command=lambda _home, port, _upstream: [
            shutil.which("node") or "node", str(package / "build" / "start-server.js"),
            f"--port={port}", "--headless",
        ],
        env=lambda _: {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"},
        headers=headers,
        ready_path="/",
        note="one process, `cache: {mode: simple}`",
    )  # fmt: skip
