"""Findings to judge."""

from collections.abc import Callable
from datetime import date

import pytest

from ci.scan.finding import Finding

TODAY = date(2026, 11, 27)
Make = Callable[..., Finding]


@pytest.fixture
def make() -> Make:
    """A finding with these fields."""

    def made(**fields: object) -> Finding:
        whole: dict[str, object] = {"scanner": "bandit", "rule": "B307", "kind": "code", "severity": "medium",
                                    "message": "eval", "path": "app/views.py", "line": 7}  # fmt: skip
        return Finding(**{**whole, **fields})  # type: ignore[arg-type]

    return made
