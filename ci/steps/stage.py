"""A stage's command, measured where it runs: `STAGE.txt` is what it printed, `STAGE.jsonl` when, how long, its exit
code."""

from collections.abc import Sequence

import dagger
from dagger import dag

REPORT = "/report"
SCRIPT = "/opt/measure.py"


def run(
    container: dagger.Container,
    name: str,
    words: Sequence[str],
    expect: dagger.ReturnType = dagger.ReturnType.SUCCESS,
) -> dagger.Container:
    """The container after the command; its records are in `REPORT`. The container needs Python."""
    script = dag.current_module().source().file("ci/report/measure.py")
    return container.with_file(SCRIPT, script).with_exec(["python", SCRIPT, name, REPORT, *words], expect=expect)
