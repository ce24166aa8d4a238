"""The picture at the top of the README, of a real run: `python -m benchmarks.picture [--source PATH]`.

Runs `cutover demo --source` in a terminal of its own, records what it prints and when, and writes docs/demo.svg. What
is left out is said in the picture: of each step's lines the first and the last few are shown, with the number of the
others and the seconds that the step took.
"""

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from tests.shapes import SHAPES

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
COLUMNS, ROWS = 120, 50
FIRST, LAST = 1, 2  # lines of a step that are shown
TITLE = "A stranger's service, cut over"
RULE = re.compile(r"^(?:\x1b\[[\d;]*m)*[^\x1b]+ (?:\x1b\[[\d;]*m)*─{3,}")
FONT = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)  # no picture in a README loads any
WAIT_SECONDS = 900


@dataclass(frozen=True)
class Line:
    """One line as the terminal got it, and when: in seconds since the start."""

    text: str
    at: float


def recorded(words: Sequence[str], folder: Path) -> list[Line]:
    """What a command prints to a terminal.

    Raises:
        CalledProcessError: it failed.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    start = time.monotonic()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    lines = [Line(text, time.monotonic() - start) for text in _lines(ours)]
    if code := process.wait(WAIT_SECONDS):
        print("\n".join(line.text for line in lines[-20:]), file=sys.stderr)
        raise subprocess.CalledProcessError(code, list(words))
    return lines


def _lines(terminal: int) -> Iterator[str]:
    """The lines that come from a terminal, until its other side is closed."""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        rest = b""
        while True:
            try:
                read = file.read(4096)
            except OSError:  # Linux: no process has the other side any more
                read = b""
            if not read:
                break
            *whole, rest = (rest + read).split(b"\n")
            yield from (line.decode(errors="replace").rstrip("\r") for line in whole)
        if rest:
            yield rest.decode(errors="replace")


def shortened(lines: Sequence[Line]) -> Iterator[str]:
    """The headings and the result as they are; of each step's lines a few, and how many more there were."""
    headings = [number for number, line in enumerate(lines) if RULE.match(line.text)]
    ends = [*headings[1:], _result(lines, headings[-1])]
    for begin, end in zip(headings, ends, strict=True):
        yield lines[begin].text
        body = lines[begin + 1 : end]
        took = lines[min(end, len(lines) - 1)].at - lines[begin].at
        yield from _few([line.text for line in body], took)
    yield from (line.text for line in lines[ends[-1] :])


def _few(body: list[str], seconds: float) -> Iterator[str]:
    left = len(body) - FIRST - LAST
    if left <= 1:
        yield from body
        return
    yield from body[:FIRST]
    yield f"\x1b[2m  … {left} more lines, {seconds:.0f} s in all\x1b[0m"
    yield from body[-LAST:]


def _result(lines: Sequence[Line], after: int) -> int:
    """Where the result begins: its first table's title."""
    return next(number for number in range(after, len(lines)) if "Releases on this machine" in lines[number].text)


def picture(command: str, lines: Sequence[str]) -> str:
    """The lines below the command as an SVG."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text(f"$ {command}", style="bold"))
        for line in lines:
            console.print(Text.from_ansi(line), no_wrap=True, overflow="crop", crop=True)
        return console.export_svg(title=TITLE, code_format=FONT.sub("", CONSOLE_SVG_FORMAT), unique_id="demo")


def main() -> None:
    """Record the demo and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="a service's folder; left out, one of a file and its requirements")
    parser.add_argument("--port", default="4566")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = given.source or SHAPES["one file"].write(Path(scratch, "shop"))
        source.mkdir(exist_ok=True)
        command = f"cutover demo --source {source.name}" + (f" --port {given.port}" if given.port != "4566" else "")
        program = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
        lines = recorded([*program, *command.split()[1:]], source.resolve().parent)
    PICTURE.write_text(picture(command, list(shortened(lines))), encoding="utf-8")
    print(f"{PICTURE}: {lines[-1].at:.0f} s, of {len(lines)} lines", file=sys.stderr)


if __name__ == "__main__":
    main()
