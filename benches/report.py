"""Results as `report.md`, from a template, with plots; and as `results.json`, to render again."""

from pathlib import Path
from typing import Final

import jinja2
import msgspec

from benches import plots
from benches.results import Report, shown
from benches.rows import DEFINITIONS

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
DATA: Final = "results.json"


def load(folder: Path) -> Report | None:
    """The results of an earlier run, if they are there and still have this shape."""
    try:
        return msgspec.json.decode((folder / DATA).read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return None


def write(report: Report, folder: Path) -> None:
    """Write data, plots and page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    drawn = plots.draw(report, folder)
    (folder / "report.md").write_text(render(report, drawn))


def render(report: Report, drawn: dict[str, str]) -> str:
    """The page; `drawn` maps each plot's file name to what it shows."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["shown"] = shown
    return environment.get_template("report.md.jinja").render(
        machine=report.machine,
        results=[(DEFINITIONS[row], report.results[row]) for row in sorted(report.results)],
        rivals=report.rivals,
        plots=drawn,
    )
