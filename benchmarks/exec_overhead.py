"""What an exec costs over `docker run` of the same command: `.venv/bin/python -m benchmarks.exec_overhead`.

Both run in turn, so what else the machine does weighs on both alike. The store is one of its own, and the images made
are removed at the end.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import images
from ci.engine import schema
from ci.engine.api import Context
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import Session, opened
from ci.engine.store import Store

IMAGE = "python:3.13-slim"
RUNS = 20
BOUND_SECONDS = 0.2
QUERY = 'query($word:String!){container{from(address:"%s"){withExec(args:["true",$word]){exitCode}}}}'


@dataclass(frozen=True)
class Measured:
    """Median seconds of an exec and of `docker run --rm` of the same command."""

    exec_seconds: float
    run_seconds: float

    @property
    def overhead(self) -> float:
        """What the exec costs more, in seconds."""
        return self.exec_seconds - self.run_seconds


def measured(image: str = IMAGE, runs: int = RUNS) -> Measured:
    """Run `true WORD` as often as `runs`, by the engine and by `docker run` in turn; no word comes twice, so that
    nothing is known before."""
    with _session() as session:
        core, context = schema.build(), Context(session)
        docker_image = session.images.resolve(image).id

        def by_engine(word: str) -> None:
            answer = schema.answer(core, context, QUERY % image, {"word": word})
            assert "errors" not in answer, answer["errors"]

        def by_docker(word: str) -> None:
            subprocess.run(["docker", "run", "--rm", docker_image, "true", word], check=True)

        by_engine(_word())  # connects to Docker, and reads the schema
        pairs = [(_seconds(by_engine), _seconds(by_docker)) for _ in range(runs)]
    return Measured(*(statistics.median(column) for column in zip(*pairs, strict=True)))


@contextlib.contextmanager
def _session() -> Iterator[Session]:
    with tempfile.TemporaryDirectory(prefix="cutover-bench-") as folder:
        store = Store(Path(folder))
        with opened(store, Progress(quiet=True), RecipeBook(), Path.cwd()) as session:
            yield session
        images.remove(store.root)


def _word() -> str:
    return os.urandom(8).hex()


def _seconds(run: Callable[[str], None]) -> float:
    word, begun = _word(), time.perf_counter()
    run(word)
    return time.perf_counter() - begun


def main() -> int:
    """Print the row of the table; gives 0 where the bound is kept."""
    found = measured()
    print(f"exec {found.exec_seconds:.2f} s, docker run {found.run_seconds:.2f} s (medians of {RUNS})")
    print(f"overhead {found.overhead:.2f} s, bound {BOUND_SECONDS} s")
    return int(found.overhead > BOUND_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
