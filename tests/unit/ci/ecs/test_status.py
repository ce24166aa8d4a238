"""What `status` and `history` tell, and the figures that are made of it."""

from __future__ import annotations

from typing import Any

import pytest

from ci.ecs import errors
from ci.ecs.history import Release, figures, history
from ci.ecs.names import Names
from ci.ecs.status import status

Bench = Any  # see bench.py
NAMES = Names("cutover", "demo")


def release(begun: float, status: str = "SUCCESSFUL", digest: str = "a", seconds: float = 10.0) -> Release:
    return Release(f"d{begun:g}", begun, status, digest, seconds=seconds)


def test_status_says_what_serves_since_when_and_both_sides(live: Bench) -> None:
    lines = list(status(live.world.aws, NAMES).lines())
    assert (
        lines[0].startswith("demo: 1.0.0 (sha256:") and " serves 100 %, commit abc since 2027-01-01T00:00" in lines[0]
    )
    assert "b/2: 100 % of production, 100 % of test, 1 of 1 targets healthy, 1.0.0" in lines[2]
    assert "a/1: 0 % of production" in lines[1] and lines[1].endswith("no tasks")
    assert lines[3] == "  no deployment is under way"


def test_status_names_the_deployment_under_way_and_its_owner(live: Bench) -> None:
    live.begun_elsewhere("1.1.0")
    found = status(live.world.aws, NAMES)
    assert found.under_way and (found.under_way.version, found.under_way.status) == ("1.1.0", "IN_PROGRESS")
    assert "role/someone" in list(found.lines())[-1]
    assert found.document()["under_way"]["deployment"] == "dep1001"


def test_status_before_provision_says_what_to_run(world: Any) -> None:
    with pytest.raises(errors.EnvironmentMissing, match="provision --environment demo"):
        status(world.aws, NAMES)


def test_history_is_newest_first_with_the_share_of_each_end(live: Bench) -> None:
    live.site.answers[(8080, "/")] = (500, "Oops")
    live.refused("1.1.0", errors.RolledBack)
    found = history(live.world.aws, NAMES)
    assert [each.status for each in found.releases] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
    assert found.figures.by_status == {"SUCCESSFUL": 0.5, "ROLLBACK_SUCCESSFUL": 0.5}
    assert found.figures.change_failure_rate == 0.5
    lines = list(found.lines())
    assert lines[-1] == "ROLLBACK_SUCCESSFUL 50%, SUCCESSFUL 50%"
    assert lines[-2].startswith("2 deployments, 1 a day")


def test_a_change_that_was_gone_back_from_has_failed_and_the_way_back_is_no_change() -> None:
    rows = [release(0), release(100, digest="b"), release(400, digest="a", seconds=20)]
    found = figures(rows, 86_400.0 * 2)
    assert (found.change_failure_rate, found.restore_seconds, found.per_day) == (0.5, 320.0, 1.5)


def test_a_change_that_rolled_back_by_itself_is_restored_when_it_ended() -> None:
    found = figures([release(0), release(50, "ROLLBACK_SUCCESSFUL", "b", 30.0)], 100.0)
    assert (found.change_failure_rate, found.restore_seconds, found.deploy_seconds) == (0.5, 30.0, 10.0)


def test_what_is_under_way_is_not_counted_and_nothing_is_unknown() -> None:
    assert figures([release(0, "IN_PROGRESS")], 1.0).deployments == 0
    assert figures([], 1.0).change_failure_rate is None
