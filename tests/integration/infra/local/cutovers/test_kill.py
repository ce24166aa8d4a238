"""In the middle of a shift the server is killed, or every container at once: production serves, the deployment ends."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import local
from infra.local.processes import HAPROXY, SERVER, Ledger
from infra.local.state import StateDirectory

pytestmark = pytest.mark.docker

RATE = 100.0
ENOUGH, RECENT = 300, 100  # requests in a row
SOON, NEVER = 8, 1440  # local minutes of a canary's bake, a second each


def processes(site: Any) -> dict[str, Any]:
    return dict(Ledger(StateDirectory.of(site.instance.port).processes).read())


def kill_server(site: Any, wait_for: Callable[..., Any]) -> None:
    server = processes(site)[SERVER]
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not server.alive, "the server's end")


def start_again(site: Any, state: Path) -> None:
    local.up(site.instance.port, 1.0, lambda text: None, state=state)


@pytest.fixture
def canary(kept_site: Any, open_load: Callable[..., Any], wait_for: Callable[..., Any]) -> Callable[[int], Any]:
    """`canary(minutes)`: releases under load; comes back with the load and the new colour once that has its tenth."""

    def release(minutes: int) -> Any:
        load = open_load(kept_site.url, RATE)
        shares = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": minutes}
        green = kept_site.release({"strategy": "CANARY", "bakeTimeInMinutes": 0, "canaryConfiguration": shares})
        wait_for(lambda: green in {each.colour for each in load.sent}, "the canary")
        return load, green

    return release


def test_production_serves_on_by_its_weights_and_the_next_server_ends_the_deployment(
    kept_site: Any, state_folder: Path, canary: Callable[[int], Any], wait_for: Callable[..., Any]
) -> None:
    load, green = canary(SOON)

    kill_server(kept_site, wait_for)
    killed_at = len(load.sent)
    wait_for(lambda: len(load.sent) >= killed_at + ENOUGH, "requests without a server")
    seen = Counter(each.colour for each in load.sent[killed_at:])
    serving = processes(kept_site)[HAPROXY].pid
    start_again(kept_site, state_folder)

    assert kept_site.ended() == "SUCCESSFUL"
    assert abs(seen[green] / seen.total() - 0.1) <= 0.02
    wait_for(lambda: {each.colour for each in load.sent[-RECENT:]} == {green}, "all of the traffic")
    load.stop()
    assert [each.problem for each in load.sent if each.problem] == []
    assert processes(kept_site)[HAPROXY].pid == serving, "it was taken over"


@pytest.mark.prove
def test_a_rollback_that_is_asked_for_after_the_kill_takes_the_canary_back(
    kept_site: Any, state_folder: Path, canary: Callable[[int], Any], wait_for: Callable[..., Any]
) -> None:
    before = kept_site.live
    load, _ = canary(NEVER)

    kill_server(kept_site, wait_for)
    start_again(kept_site, state_folder)
    kept_site.roll_back()

    assert kept_site.ended() == "ROLLBACK_SUCCESSFUL"
    wait_for(lambda: {each.colour for each in load.sent[-RECENT:]} == {before}, "the old one alone")
    load.stop()
    assert [each.problem for each in load.sent if each.problem] == []


@pytest.mark.prove
def test_all_containers_killed_at_once_are_replaced_and_the_deployment_ends(
    kept_site: Any, canary: Callable[[int], Any], wait_for: Callable[..., Any]
) -> None:
    """What a restart of Docker does to them."""
    load, green = canary(SOON)

    for container in kept_site.containers(""):
        container.kill()
    wait_for(lambda: any(each.problem for each in load.sent), "a request that fails")
    wait_for(lambda: not any(each.problem for each in load.sent[-RECENT:]), "production without a failure")

    assert kept_site.ended() == "SUCCESSFUL"
    wait_for(lambda: {each.colour for each in load.sent[-RECENT:]} == {green}, "all of the traffic")
