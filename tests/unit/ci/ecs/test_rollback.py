"""Rollbacks: to the release that served before, once, by any runner; `now` stops what is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from ci.ecs import errors
from ci.ecs.names import Names
from ci.ecs.report import Report
from ci.ecs.rollback import Back, rollback

Bench = Any  # see bench.py


class Killed(BaseException):
    """kill -9, as far as a test can have it."""


def back(bench: Bench, **more: Any) -> Report:
    """One `rollback`."""
    bench.told = Report("demo", "", "", more.get("image", ""), verb="rollback")
    order = Back(Names("cutover", "demo"), bench.criteria, bench.strategy, **more)
    rollback(bench.world.aws, order, bench.told)
    return bench.told  # type: ignore[no-any-return]


def serves(bench: Bench) -> tuple[str, float]:
    return bench.told.serves.version, bench.told.serves.percent


def test_it_goes_to_the_release_before_through_the_same_gates(live: Bench) -> None:
    live("1.1.0")
    told = back(live)
    assert (told.outcome, told.version, serves(live)) == ("deployed", "1.0.0", ("1.0.0", 100))
    assert [each.gate for each in told.judgements].count("smoke") == 2


def test_nothing_is_registered_for_it(live: Bench) -> None:
    """The revision of then is deployed as it was, with its own version and commit."""
    live("1.1.0")
    registered = len(live.world.ecs.definitions)
    back(live)
    assert len(live.world.ecs.definitions) == registered


def test_what_was_registered_and_never_promoted_is_passed_over(live: Bench) -> None:
    live("1.1.0")
    live.site.answers[(8080, "/")] = (500, "Oops")
    live.refused("1.2.0", errors.RolledBack)
    live.site.answers[(8080, "/")] = (200, "Hello")
    live("1.2.0")
    assert back(live).version == "1.1.0"


def test_run_again_it_finds_itself_done(live: Bench) -> None:
    live("1.1.0")
    live("1.2.0")
    back(live)
    begun = len(live.world.ecs.deployments)
    assert (back(live).outcome, serves(live)) == ("unchanged", ("1.1.0", 100))
    assert len(live.world.ecs.deployments) == begun
    assert "name the image" in live.told.notes[0]


def test_further_back_is_by_name(live: Bench) -> None:
    live("1.1.0")
    live("1.2.0")
    assert (back(live, image="1.0.0").version, serves(live)) == ("1.0.0", ("1.0.0", 100))


def test_an_image_that_never_served_is_refused(live: Bench) -> None:
    with pytest.raises(errors.NotPromoted, match=r"1\.2\.0 never served all of demo"):
        back(live, image="1.2.0")


def test_after_a_deployment_that_was_rolled_back_there_is_nothing_to_do(live: Bench) -> None:
    live("1.1.0")
    live.site.answers[(8080, "/")] = (500, "Oops")
    live.refused("1.2.0", errors.RolledBack)
    assert (back(live).outcome, serves(live)) == ("unchanged", ("1.1.0", 100))


def test_before_a_second_release_there_is_nothing_to_go_back_to(live: Bench) -> None:
    with pytest.raises(errors.NothingToGoBackTo, match=r"1\.0\.0"):
        back(live)


def test_a_red_gate_keeps_the_new_version(live: Bench) -> None:
    live("1.1.0")
    live.site.answers[(8080, "/")] = (500, "Oops")
    with pytest.raises(errors.RolledBack):
        back(live)
    assert serves(live) == ("1.1.0", 100)


def test_now_goes_without_a_pause_and_without_a_bake(live: Bench) -> None:
    live("1.1.0")
    live.site.answers[(8080, "/")] = (500, "Oops")
    live.world.clients["ecs"].calls.clear()
    assert back(live, now=True).outcome == "deployed"
    (given,) = live.world.clients["ecs"].called("update_service")
    block = given["deploymentConfiguration"]
    assert (block["bakeTimeInMinutes"], block["lifecycleHooks"], block["strategy"]) == (0, [], "BLUE_GREEN")
    assert live.answers() == []


def test_now_stops_a_deployment_under_way(live: Bench) -> None:
    live("1.1.0")
    live.begun_elsewhere("1.2.0")
    assert (back(live, now=True).outcome, serves(live)) == ("deployed", ("1.1.0", 100))
    assert live.world.ecs.deployments[-1]["status"] == "ROLLBACK_SUCCESSFUL"
    assert back(live, now=True).outcome == "unchanged"


def test_without_now_a_deployment_under_way_to_another_image_is_left_alone(live: Bench) -> None:
    live("1.1.0")
    live.begun_elsewhere("1.2.0")
    with pytest.raises(errors.OtherDeployment, match="rollback --now"):
        back(live)
    assert live.world.clients["ecs"].called("stop_service_deployment") == []


def test_one_that_ends_well_before_it_can_be_stopped_is_gone_back_from(live: Bench) -> None:
    live("1.1.0")
    live.begun_elsewhere("1.2.0")

    def finish(when: str, name: str) -> None:
        if (when, name) == ("before", "stop_service_deployment"):
            deployment = live.world.ecs.deployments[-1]
            deployment |= {"status": "SUCCESSFUL", "finishedAt": live.world.ecs.moment()}
            revision = deployment["targetServiceRevision"]["arn"]
            live.world.ecs._only(revision)
            live.world.weigh(live.world.ecs.revisions[revision]["group"])

    live.world.on_call = finish
    assert (back(live, now=True).outcome, serves(live)) == ("deployed", ("1.1.0", 100))


@pytest.mark.parametrize("now", [False, True])
def test_a_dry_run_changes_nothing(live: Bench, now: bool) -> None:
    live("1.1.0")
    begun = len(live.world.ecs.deployments)
    assert back(live, now=now, dry_run=True).outcome == "dry-run"
    assert live.told.notes[0].startswith("would go back to 1.0.0")
    live.begun_elsewhere("1.2.0")
    if now:
        assert "would stop the deployment" in back(live, now=now, dry_run=True).notes[0]
    assert len(live.world.ecs.deployments) == begun + now + (not now)


def test_edited_weights_are_refused(live: Bench) -> None:
    live("1.1.0")
    idle = next(group for group in live.world.groups if group != live.world.live())
    live.world.weigh(idle, "production")
    with pytest.raises(errors.UnexpectedTraffic):
        back(live)


def lost() -> BaseException:
    return ReadTimeoutError(endpoint_url="https://ecs")


class Strike:
    """Raises at the `number`-th moment, two a call: before it acts, and after it has acted."""

    def __init__(self, number: int, raised: Callable[[], BaseException]) -> None:
        self.left, self.raised, self.where = number, raised, ""

    def __call__(self, when: str, name: str) -> None:
        self.left -= 1
        if self.left == -1:
            self.where = f"{when} {name}"
            raise self.raised()


@pytest.mark.parametrize(
    ("raised", "now"),
    [
        (Killed, True),
        (lost, True),
        pytest.param(Killed, False, marks=pytest.mark.prove),
        pytest.param(lost, False, marks=pytest.mark.prove),
    ],
)
def test_struck_at_any_call_and_started_again_it_ends_where_it_should(
    live: Bench, raised: Callable[[], BaseException], now: bool
) -> None:
    """The new release goes out, and while it does (`now`) or after that it is gone back from."""
    number, where = 0, "first"
    while where:
        version = ("1.1.0", "1.2.0")[number % 2]
        live.begun_elsewhere(version) if now else live(version)
        strike = live.world.on_call = Strike(number, raised)
        for _ in range(4):
            try:
                back(live, now=now)
                break
            except (Killed, errors.LostSight, *errors.AwsFault):
                continue
        live.world.on_call = lambda when, name: None
        number, where = number + 1, strike.where
        assert serves(live) == ("1.0.0", 100), where
        assert [raw["count"] for raw in live.world.ecs.revisions.values()].count(1) == 1, where
    assert number > 20
