"""`python -m benches`: run the rows, check their answers, write the report."""

import argparse
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from benches import report, rivals
from benches.lab import Lab, Plan
from benches.machine import Cpus, describe, fail
from benches.processes import ROOT, DiedError
from benches.results import Report
from benches.rows import DEFINITIONS, RUN
from benches.rows.expect import WrongAnswerError
from benches.wrk import LoadError

RIVALS: Final = "rivals"
QUICK_REPORT: Final = ROOT / ".cache" / "bench" / "quick"
REPORT: Final = ROOT / "benches" / "report"


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__)
    parser.add_argument("--rows", default="", help="which to run, as in 1,4,rivals (default: all)")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; the numbers prove nothing")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison")
    parser.add_argument("--patience", type=float, help="longest wait for a quiet machine before a round, in seconds")
    parser.add_argument("--unpinned", action="store_true", help="let the kernel place server and load")
    parser.add_argument("--out", type=Path, help="where the report goes (default: benches/report)")
    args = parser.parse_args()
    for tool, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(tool) is None:
            fail(f"{tool} is missing; install it, on Debian: apt-get install {package}")
    plan = Plan.quickly() if args.quick else Plan()
    if args.rounds:
        plan = msgspec.structs.replace(plan, rounds=args.rounds)
    if args.patience is not None:
        plan = msgspec.structs.replace(plan, patience_secs=args.patience)
    # Both signals end the servers, too; a background job is started with the first one ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    out = args.out or (QUICK_REPORT if args.quick else REPORT)
    try:
        run(chosen(args.rows), plan, Cpus.shared() if args.unpinned else Cpus.split(), out)
    except (DiedError, WrongAnswerError, LoadError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("interrupted")


def chosen(text: str) -> list[int | str]:
    """The rows named on the command line, in order; all when none is."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known: dict[str, int | str] = {str(row): row for row in RUN} | {RIVALS: RIVALS}
    for name in names:
        if name not in known:
            fail(f"no row {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names or known]


def run(rows: list[int | str], plan: Plan, cpus: Cpus, out: Path) -> None:
    """Run `rows`, keeping what an earlier run found for the others; the report is written after each."""
    found = report.load(out) or Report(machine=describe())
    found.machine = describe()
    with Lab(plan, cpus) as lab:
        for row in rows:
            if isinstance(row, int):
                lab.say(f"row {row}: {DEFINITIONS[row].title}")
                result = RUN[row](lab)
                date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
                found.results[row] = msgspec.structs.replace(result, pinning=str(cpus), date=date)
                for check in result.checks:
                    lab.say(f"    {check.what}: {check.median:.3f} (required {check.required}): {check.verdict}")
            else:
                lab.say("rivals")
                found.rivals = rivals.run(lab)
            report.write(found, out)
    lab.say(f"report: {out / 'report.md'}")


if __name__ == "__main__":
    main()
