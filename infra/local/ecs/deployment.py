"""A service deployment, taken through the steps of its strategy's plan.

All that tells how far it is stands in the record (`position`, `entered_at`), so that a server which was started again
goes on from there: `advance` looks at the record, does what the step is about once, and passes to the next step when it
is done. It starts no thread and never sleeps; time comes from the clock. Sources: developer guide,
"blue-green-deployment-how-it-works", "deployment-circuit-breaker", "deployment-alarm-failure", "service-deployment".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.local.clock import Clock
from infra.local.ecs.breaker import breaker_threshold
from infra.local.ecs.hooks import Hooks
from infra.local.ecs.interfaces import Alarms, LoadBalancing
from infra.local.ecs.model import Deployment, Task
from infra.local.ecs.notices import Announcer
from infra.local.ecs.rollback import RollBack, Rollback, Superseded, set_weights
from infra.local.ecs.rolling import Rolling
from infra.local.ecs.strategy import ROLL, WHOLE, Step, plan
from infra.local.ecs.traffic import Attachment, InvalidNetworking, attachments

STAGE_LIMIT_MINUTES = 24 * 60
LIMITED = frozenset({"RECONCILE_SERVICE", "SCALE_UP"})
TOO_LATE = "CLEAN_UP"  # a stop that is asked for from here on changes nothing
ROLLED_BACK = "Service deployment rolled back because "
SUPERSEDED = "Service deployment stopped because a newer service deployment was started."


@dataclass(frozen=True)
class Surroundings:
    """What carrying out deployments needs. `healthy` says whether a task counts as healthy."""

    clock: Clock
    balancing: LoadBalancing
    alarms: Alarms
    hooks: Hooks
    announcer: Announcer
    healthy: Callable[[Task], bool]
    rolling: Rolling


class DeploymentRun:
    """Carries out one deployment."""

    def __init__(self, deployment: Deployment, around: Surroundings) -> None:
        self._deployment = deployment
        self._around = around
        self._service = deployment.service
        self._target = deployment.target
        self._clock = around.clock
        self._moved = False
        self._plan = plan(deployment.configuration)
        self._attachments: Sequence[Attachment] = attachments(deployment.target.settings)
        self._rollback = Rollback(
            deployment, around.balancing, around.hooks, around.announcer, around.rolling, around.clock
        )

    def advance(self) -> None:
        """Go one step on if that can be gone now: whoever looks between two turns sees every stage."""
        self._moved = False
        if self._deployment.status == "ROLLBACK_IN_PROGRESS":
            self._rollback.advance()
            return
        try:
            self._begin()
            if self._pass():
                self._next()
        except Superseded:
            self._stop(SUPERSEDED)
        except RollBack as cause:
            self._fail(cause)

    def deadline(self) -> float | None:
        """When it goes further by itself: at once after a step that passed, or when a bake, a hook or a stage ends.
        None where nothing of that is awaited."""
        if self._moved:
            return self._clock.now()
        waits = [self._around.hooks.deadline(self._deployment)]
        entered = self._deployment.entered_at
        if entered is not None and self._deployment.status == "IN_PROGRESS":
            step = self._plan[self._deployment.position]
            waits.append(entered + self._clock.minutes(step.minutes) if step.minutes else None)
            waits.append(entered + self._clock.minutes(STAGE_LIMIT_MINUTES) if step.stage in LIMITED else None)
        return min((each for each in waits if each is not None and each > self._clock.now()), default=None)

    def _next(self) -> None:
        self._moved = True
        self._deployment.position, self._deployment.entered_at = self._deployment.position + 1, None
        if self._deployment.position == len(self._plan):
            self._succeed()

    def _begin(self) -> None:
        deployment = self._deployment
        if deployment.status != "PENDING" or deployment.stop_requested:
            return
        deployment.started_at, deployment.source = self._clock.now(), self._service.current
        deployment.alarms_ignored = self._around.alarms.in_alarm(deployment.alarms.get("alarmNames", ()))
        deployment.status, deployment.updated_at = "IN_PROGRESS", self._clock.now()
        name = f"ecs-svc/{self._target.id}"
        self._around.announcer.deployment(deployment, "IN_PROGRESS", f"ECS deployment {name} in progress.")

    def _pass(self) -> bool:
        """Do the step that the deployment is at as far as it goes; says whether that is to its end."""
        step = self._plan[self._deployment.position]
        if step.stage != TOO_LATE:
            self._check()
        if self._deployment.entered_at is None:
            self._enter(step)
            self._deployment.entered_at = self._clock.now()
        if self._done(step):
            return True
        if step.stage in LIMITED and self._waited() >= self._clock.minutes(STAGE_LIMIT_MINUTES):
            raise RollBack(f"{ROLLED_BACK}the {step.stage} stage did not end within 24 hours.")
        return False

    def _enter(self, step: Step) -> None:
        match step.stage:
            case "RECONCILE_SERVICE":
                self._reconcile()
            case "RECONCILE_SERVICE_HOOKS":
                if self._deployment.stage == "RECONCILE_SERVICE":
                    self._around.hooks.reach(self._deployment, "RECONCILE_SERVICE")
            case "SCALE_UP":
                self._stage(step.stage)
                self._target.desired = self._service.desired
            case "TEST_TRAFFIC_SHIFT":
                self._stage(step.stage)
                self._shift_test()
            case "PRODUCTION_TRAFFIC_SHIFT":
                self._stage(step.stage)
                self._shift_production(step.percent or 0)
            case "CLEAN_UP":
                self._stage(step.stage)
                for revision in self._service.others(self._target):
                    revision.desired = 0
            case "BAKE_TIME":
                self._stage(step.stage)
            case str(stage) if stage == ROLL:
                self._around.rolling.choose_groups(self._deployment)
            case stage:
                if stage == "PRE_SCALE_UP":
                    self._choose_groups()
                self._stage(stage)
                self._around.hooks.reach(self._deployment, stage)

    def _done(self, step: Step) -> bool:
        match step.stage:
            case "RECONCILE_SERVICE":
                return not list(self._service.others(self._target, self._deployment.source))
            case "SCALE_UP":
                return self._scaled_up()
            case "PRODUCTION_TRAFFIC_SHIFT" | "BAKE_TIME":
                return self._waited() >= self._clock.minutes(step.minutes)
            case "CLEAN_UP":
                return not list(self._service.others(self._target))
            case str(stage) if stage == ROLL:
                return self._rolled(step)
            case _:
                passed = self._around.hooks.passed(self._deployment)
                self._check()
                return passed

    def _reconcile(self) -> None:
        """Remove what an abandoned deployment left, and give its traffic back to the last completed revision."""
        source = self._deployment.source
        leftovers = list(self._service.others(self._target, source))
        if not leftovers:
            return
        self._stage("RECONCILE_SERVICE")
        for entry, group in zip(self._attachments, source.target_groups if source else (), strict=False):
            entry.shift_production(self._around.balancing, group)
            entry.shift_test(self._around.balancing, group)
        for revision in leftovers:
            revision.desired = 0

    def _choose_groups(self) -> None:
        """Tasks register in the group that production does not go to, whatever was there before."""
        try:
            self._deployment.live = [entry.live(self._around.balancing) for entry in self._attachments]
        except InvalidNetworking as error:
            raise RollBack(f"{ROLLED_BACK}of invalid networking configuration. {error}") from error
        pairs = zip(self._attachments, self._deployment.live, strict=True)
        self._target.target_groups = [entry.other(group) for entry, group in pairs]
        self._weights(production=0, test=0)

    def _scaled_up(self) -> bool:
        tasks = [task for task in self._service.tasks_of(self._target) if task.active and self._around.healthy(task)]
        return len(tasks) >= self._service.desired

    def _shift_test(self) -> None:
        """Both rules are written here: the production rule in its normal form (100 and 0), the test rule to green."""
        for entry, live in zip(self._attachments, self._deployment.live, strict=True):
            entry.shift_production(self._around.balancing, live)
            entry.shift_test(self._around.balancing, entry.other(live))
        self._weights(production=0, test=WHOLE)

    def _shift_production(self, percent: float) -> None:
        for entry, live in zip(self._attachments, self._deployment.live, strict=True):
            entry.shift_production(self._around.balancing, entry.other(live), percent)
        self._weights(production=percent, test=WHOLE)

    def _rolled(self, step: Step) -> bool:
        """The bake of ROLLING begins once the last old task is gone."""
        if self._around.rolling.replace(self._deployment, self._target):
            return self._waited() >= self._clock.minutes(step.minutes)
        if step.minutes:
            self._deployment.entered_at = self._clock.now()
        return False

    def _check(self) -> None:
        """Has something ended this deployment meanwhile?"""
        deployment = self._deployment
        if deployment.superseded:
            raise Superseded
        if (hook := self._around.hooks.vote(deployment)) is not None:
            raise RollBack(f"{ROLLED_BACK}{hook.stage} lifecycle hook(s) failed.")
        if deployment.stop_requested:
            raise RollBack(f"{ROLLED_BACK}it was requested by the user.")
        if deployment.breaker.get("enable") and deployment.failures >= breaker_threshold(deployment):
            raise RollBack(
                f"{ROLLED_BACK}the circuit breaker threshold was exceeded.", "tasks failed to start.",
                wanted=bool(deployment.breaker.get("rollback")),
            )  # fmt: skip
        self._check_alarms()

    def _check_alarms(self) -> None:
        deployment = self._deployment
        watched = [name for name in deployment.alarms.get("alarmNames", ()) if name not in deployment.alarms_ignored]
        if triggered := self._around.alarms.in_alarm(watched):
            deployment.alarms_triggered = triggered
            raise RollBack(
                f"{ROLLED_BACK}a CloudWatch alarm was triggered: {', '.join(triggered)}.", "alarm detected.",
                wanted=bool(deployment.alarms.get("rollback")),
            )  # fmt: skip

    def _fail(self, cause: RollBack) -> None:
        name = f"ecs-svc/{self._target.id}"
        self._service.note(self._clock.now(), f"(deployment {name}) deployment failed: {cause.short}")
        self._around.announcer.deployment(self._deployment, "FAILED", f"ECS deployment {name} failed: {cause.short}")
        if cause.wanted:
            self._rollback.begin(str(cause))
            self._rollback.advance()
        else:
            self._stop(str(cause).replace("rolled back", "stopped"))
            healthy = [task for task in self._service.tasks_of(self._target) if self._around.healthy(task)]
            self._target.desired = len(healthy)

    def _stop(self, reason: str) -> None:
        self._around.hooks.abandon(self._deployment)
        self._deployment.stopped_at = self._clock.now()
        self._finish("STOPPED", reason)

    def _succeed(self) -> None:
        self._service.current = self._target
        self._finish("SUCCESSFUL", None)
        name = f"ecs-svc/{self._target.id}"
        self._service.note(self._clock.now(), f"(deployment {name}) deployment completed.")
        self._around.announcer.deployment(self._deployment, "COMPLETED", f"ECS deployment {name} completed.")
        self._service.note(self._clock.now(), "has reached a steady state.")
        self._around.announcer.steady(self._service)

    def _finish(self, status: str, reason: str | None) -> None:
        deployment = self._deployment
        deployment.status, deployment.reason = status, reason
        deployment.finished_at = deployment.updated_at = self._clock.now()

    def _weights(self, *, production: float, test: float) -> None:
        set_weights(self._deployment, production, test)

    def _stage(self, stage: str) -> None:
        self._deployment.stage, self._deployment.updated_at = stage, self._clock.now()

    def _waited(self) -> float:
        return self._clock.now() - (self._deployment.entered_at or self._clock.now())
