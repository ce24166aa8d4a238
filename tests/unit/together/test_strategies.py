"""Each strategy from end to end, and the way back."""

from __future__ import annotations

from typing import Any

import pytest

Place = Any  # see conftest.py


@pytest.mark.parametrize("strategy", ["blue-green", "canary", "linear"])
def test_a_good_version_is_promoted_and_gone_back_from(place: Place, strategy: str) -> None:
    place.account.load = 4000
    done = place.deploy("1.1.0", f"--strategy {strategy}")
    assert (done.code, place.serves()) == (0, {"1.1.0": 1.0}), done.said
    done = place.rollback(f"--strategy {strategy}")
    assert (done.code, done.document["version"], place.serves()) == (0, "1.0.0", {"1.0.0": 1.0}), done.said
    assert place.containers.running() == ["1.0.0"]
