"""A service deployment with the strategy BLUE_GREEN, as one straight sequence of lifecycle stages.

`DeploymentRun.steps()` is a generator: it yields whenever it has to wait, and is asked again at every turn of the
control loop. It starts no thread and never sleeps; time comes from the clock. Sources: developer guide,
"blue-green-deployment-how-it-works", "pause-lifecycle-hooks", "deployment-circuit-breaker", "service-deployment".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from infra.local.clock import Clock
from infra.local.ecs.breaker import breaker_threshold
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.ecs.model import ACTIVE, Deployment, Hook, Revision, Task
from infra.local.ecs.store import Store
from infra.local.ecs.traffic import InvalidNetworking, TargetGroupPair

STAGE_LIMIT_MINUTES = 24 * 60
HOOK_TIMEOUT_MINUTES = 1440
NO_CANDIDATE = "No rollback candidate was found to run the rollback."
ROLLED_BACK = "Service deployment rolled back because "


class RollBack(Exception):
    """The deployment has to go back; `str()` is the status reason."""


class Superseded(Exception):
    """A newer deployment was started, or the service is being deleted."""


class DeploymentRun:
    """Carries out one deployment. `healthy` says whether a task counts as healthy."""

    def __init__(
        self,
        deployment: Deployment,
        store: Store,
        balancing: LoadBalancing,
        clock: Clock,
        healthy: Callable[[Task], bool],
    ) -> None:
        self._deployment = deployment
        self._service = deployment.service
        self._target = deployment.target
        self._store = store
        self._balancing = balancing
        self._clock = clock
        self._healthy = healthy
        self._pair = TargetGroupPair.of(deployment.target.settings)
        self._live: str | None = None

    def steps(self) -> Iterator[None]:
        """From PENDING to a terminal status."""
        try:
            self._begin()
            yield from self._reconcile()
            yield from self._hooks("PRE_SCALE_UP")
            yield from self._scale_up()
            yield from self._hooks("POST_SCALE_UP")
            yield from self._shift_test()
            yield from self._hooks("POST_TEST_TRAFFIC_SHIFT")
            yield from self._hooks("PRE_PRODUCTION_TRAFFIC_SHIFT")
            yield from self._shift_production()
            yield from self._hooks("POST_PRODUCTION_TRAFFIC_SHIFT")
            yield from self._bake()
            yield from self._clean_up()
            self._succeed()
        except Superseded:
            self._stop()
        except RollBack as cause:
            yield from self._roll_back(str(cause))

    def _begin(self) -> None:
        if self._deployment.superseded:
            raise Superseded
        if not self._deployment.stop_requested:
            self._status("IN_PROGRESS")
        self._deployment.started_at = self._clock.now()
        self._deployment.source = self._service.current

    def _reconcile(self) -> Iterator[None]:
        """Remove what an abandoned deployment left, then look which side is live."""
        leftovers = [each for each in self._service.revisions.values() if self._is_leftover(each)]
        if leftovers:
            self._stage("RECONCILE_SERVICE")
            self._restore_source()
            for revision in leftovers:
                revision.desired = 0
            yield from self._wait(lambda: not any(map(self._service.tasks_of, leftovers)), STAGE_LIMIT_MINUTES)
            yield from self._hooks("RECONCILE_SERVICE")
        self._check()
        self._choose_group()

    def _is_leftover(self, revision: Revision) -> bool:
        wanted = (self._target, self._deployment.source)
        return revision not in wanted and (revision.desired > 0 or bool(self._service.tasks_of(revision)))

    def _restore_source(self) -> None:
        source = self._deployment.source
        if source is not None and source.target_group is not None and self._pair is not None:
            self._pair.shift_production(self._balancing, source.target_group)
            self._pair.shift_test(self._balancing, source.target_group)

    def _choose_group(self) -> None:
        if self._pair is not None:
            try:
                self._live = self._pair.live(self._balancing)
            except InvalidNetworking as error:
                raise RollBack(f"{ROLLED_BACK}of invalid networking configuration. {error}") from error
            self._target.target_group = self._pair.other(self._live)
        self._weights(target_production=0, target_test=0)

    def _scale_up(self) -> Iterator[None]:
        self._stage("SCALE_UP")
        self._target.desired = self._service.desired
        yield from self._wait(self._scaled_up, STAGE_LIMIT_MINUTES)

    def _scaled_up(self) -> bool:
        healthy = [task for task in self._service.tasks_of(self._target) if task.active and self._healthy(task)]
        return len(healthy) >= self._service.desired

    def _shift_test(self) -> Iterator[None]:
        """Both rules are written here: the production rule in its normal form (100 and 0), the test rule to green."""
        self._stage("TEST_TRAFFIC_SHIFT")
        self._check()
        if self._pair is not None and self._live is not None:
            self._pair.shift_production(self._balancing, self._live)
            self._pair.shift_test(self._balancing, self._pair.other(self._live))
        self._weights(target_production=0, target_test=100)
        yield

    def _shift_production(self) -> Iterator[None]:
        self._stage("PRODUCTION_TRAFFIC_SHIFT")
        self._check()
        if self._pair is not None and self._live is not None:
            self._pair.shift_production(self._balancing, self._pair.other(self._live))
        self._weights(target_production=100, target_test=100)
        yield

    def _bake(self) -> Iterator[None]:
        self._stage("BAKE_TIME")
        end = self._clock.now() + self._clock.minutes(self._deployment.configuration["bakeTimeInMinutes"])
        yield from self._wait(lambda: self._clock.now() >= end)

    def _clean_up(self) -> Iterator[None]:
        """A stop that is asked for from here on comes too late, and the deployment ends SUCCESSFUL."""
        self._stage("CLEAN_UP")
        source = self._deployment.source
        if source is not None:
            source.desired = 0
            while self._service.tasks_of(source):
                yield

    def _succeed(self) -> None:
        self._service.current = self._target
        self._finish("SUCCESSFUL")
        self._event(f"(deployment ecs-svc/{self._target.id}) deployment completed.")
        self._event("has reached a steady state.")

    def _stop(self) -> None:
        self._deployment.stopped_at = self._clock.now()
        self._finish("STOPPED", "Service deployment stopped because a newer service deployment was started.")

    def _roll_back(self, cause: str) -> Iterator[None]:
        """Production first, then the test rule, then green goes. There is no way out of it before its end."""
        deployment = self._deployment
        self._status("ROLLBACK_IN_PROGRESS", cause)
        deployment.rollback_reason, deployment.rollback_started_at = cause, self._clock.now()
        self._expire_hooks()
        self._event(f"(deployment ecs-svc/{self._target.id}) deployment failed: {cause}")
        if self._pair is not None and self._live is not None:
            self._pair.shift_production(self._balancing, self._live)
            self._pair.shift_test(self._balancing, self._live)
        self._weights(target_production=0, target_test=0)
        self._target.desired = 0
        while self._service.tasks_of(self._target):
            yield
        if deployment.source is None:
            self._finish("ROLLBACK_FAILED", NO_CANDIDATE)
        else:
            self._service.settings["taskDefinition"] = deployment.source.definition.arn
            self._finish("ROLLBACK_SUCCESSFUL", cause)

    def _hooks(self, stage: str) -> Iterator[None]:
        """Each PAUSE of the stage gets a hook of its own; all have to be continued, one ROLLBACK is enough."""
        self._stage(stage)
        hooks = [self._reach(stage, each) for each in self._configured_hooks(stage)]
        if hooks:
            self._event(f"deployment ecs-svc/{self._target.id} waits for an action at {stage}.")
            yield from self._wait(lambda: self._answered(hooks))
        else:
            self._check()

    def _configured_hooks(self, stage: str) -> list[dict[str, object]]:
        configured = self._deployment.configuration.get("lifecycleHooks") or []
        return [each for each in configured if stage in each["lifecycleStages"]]

    def _reach(self, stage: str, configured: dict[str, object]) -> Hook:
        timeout = configured.get("timeoutConfiguration") or {}
        assert isinstance(timeout, dict)
        seconds = self._clock.minutes(timeout.get("timeoutInMinutes", HOOK_TIMEOUT_MINUTES))
        hook = Hook(self._store.hex_id(), stage, self._clock.now() + seconds, timeout.get("action", "ROLLBACK"))
        self._deployment.hooks.append(hook)
        return hook

    def _answered(self, hooks: list[Hook]) -> bool:
        for hook in hooks:
            expired = hook.status == "AWAITING_ACTION" and self._clock.now() >= hook.expires_at
            if expired:
                hook.status = "TIMED_OUT"
            if hook.status == "FAILED" or (expired and hook.timeout_action == "ROLLBACK"):
                raise RollBack(f"{ROLLED_BACK}{hook.stage} lifecycle hook(s) failed.")
        return all(hook.status in ("SUCCEEDED", "TIMED_OUT") for hook in hooks)

    def _expire_hooks(self) -> None:
        for hook in self._deployment.hooks:
            if hook.status == "AWAITING_ACTION":
                hook.status = "FAILED"

    def _wait(self, done: Callable[[], bool], limit_minutes: float | None = None) -> Iterator[None]:
        stage, start = self._deployment.stage, self._clock.now()
        while True:
            self._check()
            if done():
                return
            if limit_minutes is not None and self._clock.now() - start >= self._clock.minutes(limit_minutes):
                raise RollBack(f"{ROLLED_BACK}the {stage} stage did not end within 24 hours.")
            yield

    def _check(self) -> None:
        """Has something ended this deployment meanwhile?"""
        deployment = self._deployment
        if deployment.superseded:
            raise Superseded
        if any(hook.status == "FAILED" for hook in deployment.hooks):
            raise RollBack(f"{ROLLED_BACK}{deployment.stage} lifecycle hook(s) failed.")
        if deployment.stop_requested:
            raise RollBack(f"{ROLLED_BACK}it was requested by the user.")
        if deployment.breaker.get("enable") and deployment.failures >= breaker_threshold(deployment):
            raise RollBack(f"{ROLLED_BACK}the circuit breaker threshold was exceeded.")

    def _weights(self, *, target_production: float, target_test: float) -> None:
        source = self._deployment.source
        self._deployment.production_weights = {self._target.id: target_production}
        self._deployment.test_weights = {self._target.id: target_test}
        if source is not None:
            self._deployment.production_weights[source.id] = 100 - target_production
            self._deployment.test_weights[source.id] = 100 - target_test

    def _stage(self, stage: str) -> None:
        self._deployment.stage = stage
        self._deployment.updated_at = self._clock.now()

    def _status(self, status: str, reason: str | None = None) -> None:
        self._deployment.status, self._deployment.reason = status, reason
        self._deployment.updated_at = self._clock.now()

    def _finish(self, status: str, reason: str | None = None) -> None:
        self._status(status, reason)
        self._deployment.finished_at = self._clock.now()
        if self._service.status == ACTIVE:
            self._store.wake()

    def _event(self, text: str) -> None:
        self._service.note(self._clock.now(), text)
