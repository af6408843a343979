"""`usage.jsonl` as it is written."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isartor.ports import Tally
from isartor.usage.events import Event
from tests.usage.making import DAY, NOON, Clock, events, lines, old_line, spend, writer


def run(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_request_is_a_line_with_the_members_of_an_event(tmp_path: Path) -> None:
    """In their order, and no others."""
    log = events()
    by = writer(log, tmp_path)
    tally = Tally(input=1000, output=100, cached=400, cache_write=50, reasoning=30)
    spend(log, tally=tally, tenant="team-a", latency_ms=12.3456)
    assert by.flush()
    [line] = lines(tmp_path)
    event = msgspec.convert(line, Event)
    assert list(line) == [field for field in Event.__struct_fields__ if field != "requests"]
    assert (event.provider, event.model, event.tenant, event.final_layer) == ("openai", "gpt-4o-mini", "team-a", "l3")
    assert (event.prompt_tokens, event.completion_tokens, event.total_tokens) == (1000, 100, 1100)
    assert (event.cached_tokens, event.cache_write_tokens, event.reasoning_tokens) == (400, 50, 30)
    # Cached tokens at half the price of the others.
    assert event.estimated_cost_usd == pytest.approx((600 * 0.15 + 400 * 0.075 + 100 * 0.6) / 1e6)
    assert (event.status, event.latency_ms, event.deflected, event.estimated) == (200, 12.345, False, False)
    by.close()


def test_those_who_got_the_same_reply_have_saved_it(tmp_path: Path) -> None:
    """Clients that shared one call: one has paid, the others are deflected, unless it was an error."""
    log = events()
    by = writer(log, tmp_path)
    spend(log, followers=3)
    spend(log, followers=2, status=502, tally=None)
    by.flush()
    paid, saved, failed, others = lines(tmp_path)
    assert (paid["deflected"], saved["deflected"], saved["requests"]) == (False, True, 3)
    assert saved["estimated_saved_cost_usd"] == pytest.approx(3 * paid["estimated_cost_usd"])
    assert saved["prompt_tokens"] == 300
    assert (failed["total_tokens"], others["deflected"], others["requests"]) == (0, False, 2)
    by.close()


def test_a_provider_may_tell_any_number(tmp_path: Path) -> None:
    """What cannot be is written as what comes next to it; the request was answered all the same."""
    log = events()
    by = writer(log, tmp_path)
    spend(log, tally=Tally(input=-5, output=2**80, cached=2**33))
    assert by.flush()
    [line] = lines(tmp_path)
    assert (line["prompt_tokens"], line["completion_tokens"]) == (0, 2**32 - 1)
    by.close()


def test_the_thread_writes_what_comes_and_the_end_writes_the_rest(tmp_path: Path) -> None:
    """Nothing is lost at an orderly end."""
    log = events()
    by = writer(log, tmp_path)
    by.start()
    spend(log, 4096)  # a full batch wakes it before its second is over
    while log.pending:
        log.wait(0.01)
    spend(log, 5)
    by.close()
    assert (len(lines(tmp_path)), log.recorded, log.lost) == (4101, 4101, 0)
    assert (tmp_path / "usage.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    """Whatever a killed worker left without an end, also if that is all there is."""
    for left in ("", old_line("2026-11-21T00:00:00Z")):
        file = tmp_path / "usage.jsonl"
        file.write_text(left + '{"timestamp": "2026-11-21T00:00:00Z", "prov' + "x" * 100_000)
        log = events()
        by = writer(log, tmp_path)
        spend(log)
        by.flush()
        assert len(lines(tmp_path)) == 1 + bool(left)
        assert by.torn == 1
        by.close()


KILLED = """
import sys
from pathlib import Path
from tests.usage.making import events, spend, writer
log = events(100_000)
by = writer(log, Path(sys.argv[1]))
for number in range(10**9):
    spend(log, 2000)
    by.flush()
    print(number, flush=True)
"""


def test_a_kill_loses_at_most_the_last_batch(tmp_path: Path) -> None:
    """All batches before it are whole, and the next worker goes on behind the last whole line."""
    for _ in range(3):
        with run(KILLED, tmp_path) as process:
            assert process.stdout is not None
            while int(process.stdout.readline()) < 5:
                pass
            process.kill()
            batches = 6 + len(process.stdout.read().splitlines())
        log = events()
        by = writer(log, tmp_path)
        spend(log, provider="after")
        by.flush()
        by.close()
        found = lines(tmp_path)
        assert len(found) - 1 >= batches * 2000 - 2000
        assert found[-1]["provider"] == "after"
        (tmp_path / "usage.jsonl").unlink()


APPENDING = """
import sys
from pathlib import Path
from tests.usage.making import events, spend, writer
log = events(100_000)
by = writer(log, Path(sys.argv[1]))
sys.stdin.readline()
for _ in range(100):
    spend(log, 20, provider=sys.argv[2])
    assert by.flush()
by.close()
"""


def test_workers_take_turns_also_with_one_that_shortens_the_file(tmp_path: Path) -> None:
    """No line is torn or lost while the old ones are left out again and again."""
    file = tmp_path / "usage.jsonl"
    names = ["a", "b"]
    file.write_text(old_line("2020-01-01T00:00:00Z") * 1000)
    processes = [
        subprocess.Popen([sys.executable, "-c", APPENDING, str(tmp_path), name], stdin=subprocess.PIPE, text=True)
        for name in names
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    prunes = 0
    while any(process.poll() is None for process in processes):
        # As if it were the day after, each time, with old lines to leave out.
        by = writer(events(), tmp_path)
        by.prune()
        with by._locked() as handle:
            kept = os.pread(handle, 1 << 30, 0)
            os.ftruncate(handle, 0)
            os.write(handle, old_line("2020-01-01T00:00:00Z").encode() * 10 + kept)
        by.prune()
        by._pruned = -1
        by.prune()
        by.close()
        prunes += 1
    assert [process.wait() for process in processes] == [0, 0]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    found = [line["provider"] for line in lines(tmp_path)]
    assert {name: found.count(name) for name in ["openai", *names]} == {"openai": 0, "a": 2000, "b": 2000}
    assert prunes > 0


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.usage.making import events, spend, writer
log = events(50)
by = writer(log, Path(sys.argv[1]))
spend(log, 10)
assert by.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
spend(log, 40)
assert not by.flush() and not by.flush()
assert by.fault.startswith("usage cannot be written to usage.jsonl: "), by.fault
size = (Path(sys.argv[1]) / "usage.jsonl").stat().st_size
data = (Path(sys.argv[1]) / "usage.jsonl").read_bytes()
assert data.count(b"\\n") == 10 and data.endswith(b"\\n"), data
spend(log, 70)
assert not by.flush()
assert log.lost == 20, log.lost
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert by.flush() and not by.fault
by.close()
print((log.recorded, log.lost))
"""


def test_a_full_disk_tears_no_line_and_loses_only_what_finds_no_room(tmp_path: Path) -> None:
    """The batch is written again as a whole; what comes meanwhile waits, up to a bound, and the rest is counted."""
    with run(FULL, tmp_path) as process:
        out, err = process.communicate()
    assert out == "(120, 20)\n", err
    assert len(lines(tmp_path)) == 100


def test_what_is_wrong_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And so is that it is well again."""
    log = events()
    by = writer(log, tmp_path / "folder")
    (tmp_path / "folder").write_text("in the way")
    spend(log, 3)
    with caplog.at_level(logging.INFO, "isartor.usage"):
        assert not by.flush()
        by.prune()  # there is no file, and nothing to do
        assert by.fault
        assert not by.flush()
        (tmp_path / "folder").unlink()
        assert by.flush()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert len(lines(tmp_path / "folder")) == 3
    by.close()


def test_half_a_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may have room for a part of the batch."""
    log = events()
    by = writer(log, tmp_path)
    spend(log, 2)
    by.flush()
    real = os.write

    def half(handle: int, data: bytes) -> int:
        return real(handle, data[: len(data) // 2])

    spend(log, 3)
    monkeypatch.setattr(os, "write", half)
    assert not by.flush()
    monkeypatch.setattr(os, "write", real)
    assert len(lines(tmp_path)) == 2
    assert by.fault.endswith(os.strerror(errno.ENOSPC))
    assert by.flush()
    assert len(lines(tmp_path)) == 5
    by.close()


def dated(days_ago: float) -> str:
    from isartor.usage.windows import moment

    return old_line(moment(NOON - days_ago * DAY))


@pytest.mark.parametrize("junk", ["", "no line\n", "x" * 200_000 + "\n"])
def test_old_days_are_left_out(tmp_path: Path, junk: str) -> None:
    """Whole days, as many as are to be kept before today; lines that cannot be read are no hindrance."""
    ages = [40, 30.8, 30.5, 7.7, 7.5, 7, 3, 0.1, 0]
    (tmp_path / "usage.jsonl").write_text("".join(dated(age) + junk for age in ages))
    clock = Clock()
    by = writer(events(), tmp_path, clock, days=7)
    by.prune()
    kept = [line for line in (tmp_path / "usage.jsonl").read_text().splitlines(keepends=True) if line.startswith("{")]
    # 15:08 minus 7.5 days is past midnight, minus 7.7 days is the day before.
    assert kept == [dated(age) for age in ages[4:]]
    by.prune()
    clock.now += 5 * DAY
    by.prune()
    kept = (tmp_path / "usage.jsonl").read_text().splitlines(keepends=True)
    assert [line for line in kept if line.startswith("{")] == [dated(age) for age in ages[7:]]
    assert [path.name for path in tmp_path.iterdir()] == ["usage.jsonl"]
    assert (tmp_path / "usage.jsonl").stat().st_mode & 0o777 == 0o600
    by.close()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 300])
def test_the_cut_is_where_the_first_young_line_begins(tmp_path: Path, count: int) -> None:
    """However many lines there are, and wherever the cut is."""
    for young in range(count + 1):
        text = "".join(dated(20 + number / 1000) for number in range(count - young)) + dated(1) * young
        (tmp_path / "usage.jsonl").write_text(text)
        by = writer(events(), tmp_path, Clock(), days=7)
        by.prune()
        assert (tmp_path / "usage.jsonl").read_text() == dated(1) * young
        by.close()
        if count == 300 and young == 20:
            break


def test_a_disk_without_room_for_the_shorter_file_keeps_the_longer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of the attempt is left."""
    (tmp_path / "usage.jsonl").write_text(dated(50) + dated(1))
    by = writer(events(), tmp_path, Clock())

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    by.prune()
    monkeypatch.undo()
    assert by.fault
    assert (tmp_path / "usage.jsonl").read_text() == dated(50) + dated(1)
    by.prune()
    assert [path.name for path in tmp_path.iterdir()] == ["usage.jsonl"]
    assert (tmp_path / "usage.jsonl").read_text() == dated(1)
    by.close()


def test_a_file_that_somebody_removes_begins_anew(tmp_path: Path) -> None:
    """Without a restart."""
    log = events()
    by = writer(log, tmp_path)
    spend(log)
    by.flush()
    (tmp_path / "usage.jsonl").unlink()
    spend(log, 2)
    by.flush()
    assert len(lines(tmp_path)) == 2
    assert json.loads((tmp_path / "usage.jsonl").read_text().splitlines()[0])["provider"] == "openai"
    by.close()
