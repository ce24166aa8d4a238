"""The phases' sequence, with commands that are faked by what they are called."""

from collections.abc import Mapping

import pytest

from ci.codebuild import parse, run_phases
from ci.codebuild.phases import Commands, Outcome, Ran


class Shell:
    """Runs nothing: `exits` says which commands end otherwise than 0, one exit code a run."""

    def __init__(self, exits: Mapping[str, list[int]]) -> None:
        self.exits = {name: list(codes) for name, codes in exits.items()}
        self.ran: list[str] = []
        self.as_users: list[str] = []
        self.succeeding: list[bool] = []

    def run(self, command: str, user: str, succeeding: bool) -> Ran:
        self.ran.append(command)
        self.as_users.append(user)
        self.succeeding.append(succeeding)
        codes = self.exits.get(command, [])
        return Ran(codes.pop(0) if codes else 0, f"said by {command}")


def done(text: str, exits: Mapping[str, list[int]]) -> tuple[Outcome, Shell]:
    shell = Shell(exits)
    ticks = iter(range(100))
    commands = Commands(shell.run, lambda: float(next(ticks)), lambda text: None)
    return run_phases(parse(f"version: 0.2\nphases:\n{text}"), commands), shell


ALL = """\
  install: {commands: [i1, i2], finally: [i-end]}
  pre_build: {commands: [p1]}
  build: {commands: [b1, b2], finally: [b-end]}
  post_build: {commands: [o1], finally: [o-end]}
"""
EVERYTHING = ["i1", "i2", "i-end", "p1", "b1", "b2", "b-end", "o1", "o-end"]


def test_phases_and_commands_run_in_order_and_finally_last() -> None:
    outcome, shell = done(ALL, {})
    assert shell.ran == EVERYTHING
    assert outcome.exit_code == 0
    assert [phase.status for phase in outcome.phases] == ["SUCCEEDED"] * 4


@pytest.mark.parametrize(
    ("failing", "ran"),
    [
        ("i1", ["i1", "i-end"]),
        ("i-end", ["i1", "i2", "i-end"]),
        ("p1", ["i1", "i2", "i-end", "p1"]),
        ("b1", ["i1", "i2", "i-end", "p1", "b1", "b-end", "o1", "o-end"]),
        ("o1", EVERYTHING),
    ],
)
def test_a_failure_ends_its_phase_and_the_build_but_for_what_comes_after_build(failing: str, ran: list[str]) -> None:
    """post_build runs after a failed build: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html"""
    outcome, shell = done(ALL, {failing: [7]})
    assert shell.ran == ran
    assert (outcome.exit_code, outcome.failed and outcome.failed.command) == (7, failing)


def test_abort_after_build_leaves_out_post_build_and_continue_after_install_goes_on() -> None:
    _, shell = done(ALL.replace("build: {commands: [b1", "build: {on-failure: ABORT, commands: [b1"), {"b1": [1]})
    assert "o1" not in shell.ran
    outcome, shell = done(ALL.replace("install: {", "install: {on-failure: CONTINUE, "), {"i1": [4]})
    assert shell.ran[-1] == "o-end"
    assert outcome.exit_code == 4


@pytest.mark.parametrize(
    ("said", "codes", "runs", "exit_code"),
    [
        ("RETRY", [1, 1, 0], 3, 0),
        ("RETRY", [1, 1, 1, 1, 0], 4, 1),
        ("RETRY-1", [1, 1, 0], 2, 1),
        ("RETRY-said by make", [1, 0], 2, 0),
        ("RETRY-nothing of it", [1, 0], 1, 1),
    ],
)
def test_retry_runs_the_phase_again(said: str, codes: list[int], runs: int, exit_code: int) -> None:
    outcome, shell = done(f"  build: {{on-failure: {said}, commands: [make], finally: [end]}}", {"make": codes})
    assert shell.ran == ["make"] * runs + ["end"]
    assert outcome.exit_code == exit_code


def test_commands_know_whether_the_build_has_succeeded_so_far() -> None:
    """`CODEBUILD_BUILD_SUCCEEDING` is 0 from the failure on, in `finally` too."""
    _, shell = done(ALL, {"b1": [1]})
    assert dict(zip(shell.ran, shell.succeeding, strict=True)) == {
        "i1": True, "i2": True, "i-end": True, "p1": True, "b1": True, "b-end": False, "o1": False, "o-end": False,
    }  # fmt: skip


def test_a_phase_runs_as_its_user_and_the_whole_as_that_of_the_file() -> None:
    spec = parse("version: 0.2\nrun-as: me\nphases: {install: {commands: [a]}, build: {run-as: you, commands: [b]}}")
    shell = Shell({})
    run_phases(spec, Commands(shell.run, lambda: 0.0, lambda text: None))
    assert shell.as_users == ["me", "you"]
