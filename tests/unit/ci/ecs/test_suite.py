"""The service's own tests as a gate, by a real pytest in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ci.ecs.clients import Listener
from ci.ecs.evidence import FAILED, PASSED
from ci.ecs.judge import suite_of
from ci.ecs.suite import Suite

LISTENER = Listener("127.0.0.1:9", "cutover.test:8080")
TEST = """
import os

def test_it():
    assert os.environ["CUTOVER_URL"] == "http://127.0.0.1:9"
    assert os.environ["CUTOVER_HOST"] == "cutover.test:8080"
    assert not [name for name in os.environ if name.startswith("AWS_")]
    {more}
"""


def run(tmp_path: Path, text: str) -> Any:
    (tmp_path / "test_service.py").write_text(text, encoding="utf-8")
    return Suite(Path(sys.executable), tmp_path, ["test_service.py"])(LISTENER)


def test_tests_that_pass_are_told_where_the_new_version_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the deployer")
    finding = run(tmp_path, TEST.format(more=""))
    assert (finding.outcome, finding.numbers["exit_code"]) == (PASSED, 0), finding.numbers
    assert finding.why.startswith("the service's tests passed (1 passed")


def test_a_test_that_fails_fails_the_gate(tmp_path: Path) -> None:
    finding = run(tmp_path, TEST.format(more="assert False"))
    assert finding.outcome == FAILED and "1 failed" in finding.why


def test_no_test_at_all_is_a_failure(tmp_path: Path) -> None:
    finding = run(tmp_path, "")
    assert finding.outcome == FAILED and "found no test" in finding.why


def test_an_interpreter_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    finding = Suite(Path("/none/python"), tmp_path, ["tests"])(LISTENER)
    assert finding.outcome == FAILED and "could not be started" in finding.why


def test_without_paths_there_is_no_suite(tmp_path: Path) -> None:
    assert suite_of(Path(sys.executable), tmp_path, []) is None
    assert suite_of(Path(sys.executable), tmp_path, ["tests"]) is not None
