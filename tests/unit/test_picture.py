"""The picture at the top of the README is of a run, and says what it leaves out."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks.picture import COLUMNS, picture, recorded, shortened

PICTURE = Path(__file__).parents[2] / "docs" / "demo.svg"
DEMO = """\
from rich.console import Console

console = Console(stderr=True)
console.rule("AWS on this machine", align="left")
console.rule("release: first release", align="left")
for number in range(40):
    console.print(f"  line-{number}", style="dim")
print("    Releases on this machine")
print("Serving now: 0.2.0")
"""


def _text(svg: str) -> str:
    return "".join(ET.fromstring(svg).itertext()).replace("\xa0", " ")


def test_a_run_is_recorded_as_a_terminal_gets_it(tmp_path: Path) -> None:
    """With its colours and its width; of a long step the first and last lines are shown, and how many others were."""
    lines = recorded([sys.executable, "-c", DEMO], tmp_path)
    assert len(lines[0].text.replace("\x1b[92m", "").replace("\x1b[0m", "")) == COLUMNS
    shown = _text(picture("cutover demo --source shop", list(shortened(lines))))
    for text in ("$ cutover demo --source shop", "release: first release", "line-0", "… 37 more lines", "line-39"):
        assert text in shown
    assert "line-20" not in shown and "Serving now: 0.2.0" in shown


def test_no_picture_is_made_of_a_run_that_failed(tmp_path: Path) -> None:
    """The command's exit code ends it."""
    with pytest.raises(subprocess.CalledProcessError):
        recorded([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_the_picture_in_the_repository_shows_a_whole_run() -> None:
    """Two releases and one that was rolled back, and no address that a viewer would fetch."""
    svg = PICTURE.read_text(encoding="utf-8")
    shown = _text(svg)
    for text in ("cutover demo --source", "first release", "rolled-back", "Serving now: 0.2.0"):
        assert text in shown
    assert "url(http" not in svg and "@import" not in svg
