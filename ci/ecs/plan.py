"""What a deploy would do, in lines for a dry run."""

from __future__ import annotations

from .deployments import Deployment
from .serving import Serving
from .strategy import CANARY, LINEAR, Strategy, shares


def first(strategy: Strategy, stack: str, joins: bool) -> list[str]:
    """The first deploy of an environment."""
    begin = f"would take over the creation of the stack {stack}" if joins else f"would create the stack {stack}"
    return [begin, *_steps(strategy)]


def next_(strategy: Strategy, live: Serving | None, version: str, under_way: Deployment | None) -> list[str]:
    """A later one."""
    if under_way:
        return [f"would take over the deployment {under_way.short} ({under_way.status}, {under_way.stage})"]
    serves = str(live) if live else "nothing serves"
    return [f"would update the service to {version}; now {serves}", *_steps(strategy)]


def _steps(strategy: Strategy) -> list[str]:
    percent = strategy.canary_percent if strategy.kind == CANARY else strategy.step_percent
    bake = {CANARY: strategy.canary_bake_minutes, LINEAR: strategy.step_bake_minutes}.get(strategy.kind, 0)
    lines = [f"{strategy.kind}: start the new tasks, show them on the test listener, judge"]
    for share in shares(strategy.kind, percent):
        lines.append(f"judge, then {share:g} % of production" + (f", bake {bake} minutes" if share < 100 else ""))
    return [*lines, f"judge, bake {strategy.bake_minutes} minutes, stop the old tasks"]
