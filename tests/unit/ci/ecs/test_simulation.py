"""The analysis under noise: good canaries do not fail, bad ones do not pass."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).with_name("simulation.py")
PAGE = Path(__file__).parents[4] / "docs" / "deploys.md"
RUNS = 1000


def _loaded() -> Any:
    """Tests are no package (import mode importlib)."""
    spec = importlib.util.spec_from_file_location("ecs_simulation", PATH)
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


simulation = _loaded()
BY_NAME = {case.name: case for case in simulation.CASES}
GOOD = [name for name in BY_NAME if name.startswith("like blue") or name.endswith("(tolerated)")]
BAD = [name for name in BY_NAME if name not in GOOD]


@pytest.mark.parametrize("name", ["like blue", "like blue, noisy minutes"])
def test_fifty_good_canaries_are_not_failed(name: str) -> None:
    """The seed is fixed: what is seen once is seen always."""
    assert simulation.outcomes(BY_NAME[name], 50)["failed"] == 0


@pytest.mark.parametrize("name", ["20 points more errors", "3 times slower"])
def test_bad_canaries_are_failed(name: str) -> None:
    assert simulation.outcomes(BY_NAME[name], 25)["failed"] == 25


@pytest.mark.prove
@pytest.mark.parametrize("name", GOOD)
def test_false_alarms_stay_below_their_bound(name: str) -> None:
    """A pause has ERROR_RATE for all its looks together; one look has far less."""
    assert simulation.outcomes(BY_NAME[name], RUNS)["failed"] <= 10


@pytest.mark.prove
@pytest.mark.parametrize("name", BAD)
def test_misses_stay_below_a_hundredth(name: str) -> None:
    assert simulation.outcomes(BY_NAME[name], RUNS)["passed"] <= 10


@pytest.mark.prove
def test_the_page_is_what_the_simulation_gives() -> None:
    """The seed is fixed: it changes with the analysis or the cases only, and is then written anew."""
    kept, now = PAGE.read_text(encoding="utf-8"), simulation.page(RUNS)
    PAGE.write_text(now, encoding="utf-8")
    assert kept == now


def test_the_page_has_every_case() -> None:
    assert all(f"| {name} |" in PAGE.read_text(encoding="utf-8") for name in BY_NAME)
