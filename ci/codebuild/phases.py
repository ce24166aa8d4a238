"""The phases' sequence: what runs after what, and what a failure stops.

https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html (on-failure, finally)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ci.codebuild.buildspec import PHASES, Buildspec, Phase

SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"
# A failed command's own phase is where the build stops, but for `build`, which post_build follows all the same.
GOES_ON = ("build",)


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed (without secrets)."""

    exit_code: int
    output: str = ""


@dataclass(frozen=True)
class PhaseResult:
    """How a phase ended; `command` is the one that failed, with its `exit_code`."""

    name: str
    seconds: float
    command: str = ""
    exit_code: int = 0

    @property
    def status(self) -> str:
        """SUCCEEDED or FAILED."""
        return FAILED if self.exit_code else SUCCEEDED


@dataclass
class Outcome:
    """How all phases ended."""

    phases: list[PhaseResult] = field(default_factory=list)

    @property
    def failed(self) -> PhaseResult | None:
        """The first phase that failed, None where none did."""
        return next((phase for phase in self.phases if phase.exit_code), None)

    @property
    def exit_code(self) -> int:
        """That of the first failed command, 0 where none failed."""
        return self.failed.exit_code if self.failed else 0


@dataclass(frozen=True)
class Commands:
    """What a build's commands are run with.

    Attributes:
        run: runs one; takes it, the user (empty: root) and whether the build has succeeded so far.
        clock: the time in seconds.
        say: tells of the progress.
    """

    run: Callable[[str, str, bool], Ran]
    clock: Callable[[], float]
    say: Callable[[str], None]


def run_phases(spec: Buildspec, commands: Commands) -> Outcome:
    """Carry out the phases in CodeBuild's order; gives how each ended that was begun."""
    outcome = Outcome()
    given = {phase.name: phase for phase in spec.phases}
    for phase in (given[name] for name in PHASES if name in given):
        result = _phase(phase, commands, succeeding=outcome.exit_code == 0)
        outcome.phases.append(result)
        commands.say(f"phase {phase.name}: {result.status} ({result.seconds:.1f} s)")
        if result.exit_code and not _goes_on(phase):
            break
    return outcome


def _goes_on(failed: Phase) -> bool:
    if failed.on_failure == "CONTINUE":
        return True
    return failed.on_failure != "ABORT" and failed.name in GOES_ON


def _phase(phase: Phase, commands: Commands, succeeding: bool) -> PhaseResult:
    start = commands.clock()
    commands.say(f"phase {phase.name}")
    for left in range(phase.retries, -1, -1):
        command, ran = _all(phase.commands, phase, commands, succeeding)
        if not ran.exit_code or not left or not _matches(phase, ran):
            break
        commands.say(f"phase {phase.name}: exit code {ran.exit_code}, once more")
    last, after = _all(phase.finally_, phase, commands, succeeding and not ran.exit_code)
    if not ran.exit_code:
        command, ran = last, after
    return PhaseResult(phase.name, commands.clock() - start, command if ran.exit_code else "", ran.exit_code)


def _matches(phase: Phase, ran: Ran) -> bool:
    return not phase.retry_on or re.search(phase.retry_on, ran.output) is not None


def _all(lines: tuple[str, ...], phase: Phase, commands: Commands, succeeding: bool) -> tuple[str, Ran]:
    """Run commands until one fails; gives the last one, and how it ended."""
    command, ran = "", Ran(0)
    for command in lines:
        ran = commands.run(command, phase.run_as, succeeding)
        if ran.exit_code:
            break
    return command, ran
