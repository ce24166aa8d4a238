"""The server of AWS on this machine is killed in the middle of a shift: production serves on, by the same weights."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from infra import local
from infra.local.processes import Ledger
from infra.local.state import StateDirectory

pytestmark = pytest.mark.docker

RATE = 100.0
ENOUGH = 300
CANARY = {
    "strategy": "CANARY", "bakeTimeInMinutes": 0,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1440},
}  # fmt: skip


def test_production_serves_on_by_the_weights_of_the_moment(
    short_lived_site: Any, open_load: Callable[..., Any], wait_for: Callable[..., Any]
) -> None:
    site, port = short_lived_site, short_lived_site.instance.port
    load = open_load(site.url, RATE)
    green = site.release(CANARY)
    wait_for(lambda: green in {each.colour for each in load.sent}, "the canary")
    server = Ledger(StateDirectory.of(port).processes).read()["server"]

    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not server.alive, "the server's end")
    killed_at = len(load.sent)
    wait_for(lambda: len(load.sent) >= killed_at + ENOUGH, "requests after that")
    load.stop()

    seen = Counter(each.colour for each in load.sent[killed_at:])
    assert [each.problem for each in load.sent if each.problem] == []
    assert abs(seen[green] / seen.total() - 0.1) <= 0.02
    assert local.down(port), "what the server left is found and removed"
    assert site.containers("") == []
