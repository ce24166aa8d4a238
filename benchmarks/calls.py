"""How long calls of `benchmarks/module` take, each a process of its own: `make bench`.

Prints a table in Markdown; with `--readme` it also replaces the one in the README. Where Dagger's command line and
engine answer, it is timed beside the embedded engine; else its column is what was recorded of Dagger 0.21.8.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import images, tables
from ci.engine.images import KEPT_IN_TAG, RECIPE_REPOSITORY
from ci.engine.recipes import Recipe, RecipeBook

HERE = Path(__file__).parent
ROOT = HERE.parent
README = ROOT / "README.md"
BASE = "python:3.13-slim"
CALL_SECONDS = 600
FILES, FOLDERS, STEPS = 50_000, 500, 100


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        recorded: Dagger 0.21.8's seconds.
        bound: the most that the embedded engine may take, in seconds.
        prepare: what is changed before each run; takes the module's folder and the run's number.
    """

    name: str
    words: tuple[str, ...]
    recorded: str
    bound: str
    prepare: Callable[[Path, int], Sequence[str]] = lambda folder, number: ()


def _new_argument(_: Path, number: int) -> Sequence[str]:
    return ["--name", f"{time.time_ns()}-{number}"]


def _edit(name: str) -> Callable[[Path, int], Sequence[str]]:
    def edit(folder: Path, number: int) -> Sequence[str]:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(f"# {time.time_ns()} {number}\n")
        return ()

    return edit


ROWS = (
    Row("`call hello`, nothing changed", ("call", "hello"), "2.1", "0.3"),
    Row("`functions`, nothing changed", ("functions",), "2.1", "0.3"),
    Row("`call --help`, nothing changed", ("call", "--help"), "2.1", "0.3"),
    Row("`call hello` with a new argument", ("call", "hello"), "3.7", "1.2", _new_argument),
    Row("`call test` (four execs), nothing changed", ("call", "test"), "2.3", "0.3"),
    Row("`call smoke` (one service bound), nothing changed", ("call", "smoke"), "2.3", "0.3"),
    Row("`call hello` after an edit of the module", ("call", "hello"), "7.9", "1.5", _edit("ci/__init__.py")),
    Row("`call test` after an edit of the service", ("call", "test"), "4.0", "1.5 + execs", _edit("shop/__init__.py")),
)


@dataclass(frozen=True)
class Timed:
    """Seconds of several runs: the median, and beside it the least, for other work on the machine can only add."""

    seconds: Sequence[float]

    def __str__(self) -> str:
        return f"{statistics.median(self.seconds):.2f} ({min(self.seconds):.2f})"


class Runs:
    """Calls of a copy of the module, with a store of their own."""

    def __init__(self, scratch: Path, dagger: bool) -> None:
        self.folder = scratch / "module"
        shutil.copytree(HERE / "module", self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        known = RecipeBook().find(BASE)
        assert known is not None
        mark = f"echo {secrets.token_hex(8)} > /etc/benchmark"  # another recipe, so that no base image is there yet
        self._recipe = Recipe(known.suite, known.packages, (*known.setup, mark))
        with (self.folder / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[tool.cutover.images."{BASE}"]\nsuite = "{known.suite}"\n')
            file.write(f"packages = {json.dumps(self._recipe.packages)}\nsetup = {json.dumps(self._recipe.setup)}\n")
        subprocess.run(["git", "init", "-q", str(self.folder)], check=True)
        engine = "dagger" if dagger else "embedded"
        self._command = [str(Path(sys.executable).with_name("cutover")), "--engine", engine, "--progress", "quiet"]
        self._cache = scratch / "cache"
        self._environment = {**os.environ, "XDG_CACHE_HOME": str(self._cache)}

    def __enter__(self) -> "Runs":
        return self

    def __exit__(self, *_: object) -> None:
        images.remove(self._cache / "cutover", f"{RECIPE_REPOSITORY}:{self._recipe.key[:KEPT_IN_TAG]}")

    def seconds(self, words: Sequence[str]) -> float:
        """How long one call takes; its output is thrown away, and a failure ends the benchmark."""
        start = time.monotonic()
        done = subprocess.run(
            [*self._command, *words], cwd=self.folder, env=self._environment, capture_output=True, timeout=CALL_SECONDS
        )
        if done.returncode:
            sys.exit(f"{' '.join(words)} failed: {done.stderr.decode(errors='replace')}")
        return time.monotonic() - start

    def timed(self, row: Row, times: int) -> Timed:
        """How long a row's runs take."""
        return Timed([self.seconds([*row.words, *row.prepare(self.folder, number)]) for number in range(times)])


def measured(times: int, dagger: bool) -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table: the call, Dagger's seconds, the bound, the embedded engine's seconds."""
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs, contextlib.ExitStack() as ends:
        runs = ends.enter_context(Runs(Path(ours), dagger=False))
        beside = Runs(Path(theirs), dagger=True) if dagger else None
        first = runs.seconds(["call", "test"])
        yield "first call ever with an empty store (`call test`)", "43 to 46", "20", f"{first:.1f}"
        runs.seconds(["call", "smoke"])
        if beside is not None:
            beside.seconds(["call", "test"])
            beside.seconds(["call", "smoke"])
        for row in ROWS:
            known = str(beside.timed(row, times)) if beside is not None else row.recorded
            yield row.name, known, row.bound, str(runs.timed(row, times))
        chain = Row(f"`call chain` of {STEPS} steps, nothing changed", ("call", "chain", "--steps", str(STEPS)), "", "")
        runs.seconds(chain.words)
        yield chain.name, "", "0.3 + 0.3", str(runs.timed(chain, times))
        words = ("call", "digest", "--source", _many(Path(ours) / "many"))
        name = f"`call digest` of {FILES:,} files"
        yield f"{name}, the first time", "", "disk's speed", f"{runs.seconds(words):.1f}"
        runs.seconds(words)
        yield f"{name}, nothing changed", "", "0.3 + 0.3", str(runs.timed(Row(name, words, "", ""), times))
        yield "`import dagger` alone, for the machine's speed", "0.7", "", str(imported(times))


def imported(times: int) -> Timed:
    """How long Python takes to import the SDK and nothing else."""

    def seconds() -> float:
        start = time.monotonic()
        subprocess.run([sys.executable, "-c", "import dagger"], check=True, timeout=CALL_SECONDS)
        return time.monotonic() - start

    return Timed([seconds() for _ in range(times)])


def _many(folder: Path) -> str:
    for number in range(FILES):
        place = folder / f"{number % FOLDERS:03}" / f"{number}.txt"
        if number < FOLDERS:
            place.parent.mkdir(parents=True)
        place.write_text(f"file {number}\n", encoding="utf-8")
    return str(folder)


def answers() -> bool:
    """Whether Dagger's command line is here and its engine answers."""
    if shutil.which("dagger") is None:
        return False
    words = ["dagger", "query", "--progress=plain"]
    done = subprocess.run(words, input=b"{version}", capture_output=True, timeout=CALL_SECONDS)
    return done.returncode == 0


def main() -> None:
    """Measure, print the table, and put it into the README where that is asked for."""
    parser = argparse.ArgumentParser(description="How long calls take.")
    parser.add_argument("--times", type=int, default=5, help="runs of each call, of which the median counts")
    parser.add_argument("--readme", action="store_true", help="replace the README's table")
    given = parser.parse_args()
    dagger = answers()
    theirs = "Dagger, s" if dagger else "Dagger 0.21.8 (recorded), s"
    head = ("call", theirs, "bound, s", "embedded engine: median (least), s")
    text = tables.table(head, list(measured(given.times, dagger)))
    print(text)
    if given.readme:
        tables.replace(README, "bench", text)


if __name__ == "__main__":
    main()
