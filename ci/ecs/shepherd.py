"""Follows one service deployment to its end, and answers its pauses.

It keeps no state that another runner would need: what it knows it reads from ECS at every look. A pause is judged once
it can be; the answer is given again only where it did not arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from botocore.exceptions import ClientError

from . import deployments
from .clients import Aws
from .deployments import Deployment, Hook
from .errors import AwsFault, DeploymentStuck, LostSight, code_of, translated
from .judge import Verdict
from .strategy import HOOK_MINUTES, HOOK_STAGES

# The statuses at which ECS has its reason, be it ours or not.
GOING_BACK = frozenset({"ROLLBACK_IN_PROGRESS", *deployments.TERMINAL}) - {deployments.SUCCESSFUL}
SHIFT = "PRODUCTION_TRAFFIC_SHIFT"

# Besides its bake times and the waits for evidence, what a deployment may take before its rollback is asked for; and
# what that rollback may take.
DEPLOYMENT_S = 45 * 60
ROLLBACK_S = 30 * 60
# Looks in a row without an answer of AWS, after botocore's own attempts; answers to one pause that are refused.
FAULTS = 20
REFUSALS = 5
# Looks between two judgements of a pause for which there is not enough evidence yet, and between two for foreign hands.
JUDGE_LOOKS = 10
WATCH_LOOKS = 5


@dataclass(frozen=True)
class Stage:
    """A stage that was seen: how long it was the current one, when it began (epoch), and green's share in percent."""

    stage: str
    seconds: float
    at: float = 0.0
    percent: float | None = None


Decide = Callable[[Deployment, Hook], Verdict | None]
Diagnose = Callable[[Deployment], str]
Watch = Callable[[Deployment], None]


@dataclass
class Shepherd:
    """One deployment's shepherd; after `follow`, `stages`, `why` (empty for a success) and `inconclusive` tell of it.

    `diagnose` is asked when ECS goes back by itself, and at once: the events of a service die with it. `watch` looks
    for foreign hands now and then; `danger` says what calls for the way back although nothing waits for an answer.
    """

    aws: Aws
    judge: Decide
    diagnose: Diagnose
    bake_minutes: int
    stages: list[Stage] = field(default_factory=list)
    watch: Watch = lambda _: None
    danger: Diagnose = lambda _: ""
    why: str = ""
    inconclusive: bool = False
    shifted: float | None = None
    _begun: float = 0.0
    _stage: str = ""
    _stage_begun: float = 0.0
    _stage_at: float = 0.0
    _stage_percent: float | None = None
    _stopped: float | None = None
    _danger: str = ""
    _faults: int = 0
    _looks: int = 0
    _waited: float = 0.0
    _judge_at: dict[str, int] = field(default_factory=dict)
    _verdicts: dict[str, Verdict] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)
    _refusals: int = 0

    def follow(self, deployment: Deployment) -> Deployment:
        """The deployment as it ended; LostSight or DeploymentStuck where that cannot be seen."""
        self._begun = self._stage_begun = self.aws.clock.monotonic()
        self.aws.progress(f"follow the deployment {deployment.short}")
        while not deployment.terminal:
            self._note(deployment)
            deployment = self._step(deployment)
        self._note(deployment)
        return deployment

    def _step(self, deployment: Deployment) -> Deployment:
        """Does what is due, waits, looks again; a call that gets no answer is for the next step."""
        try:
            self._hold_deadline(deployment)
            if self._looks % WATCH_LOOKS == 0:
                self.watch(deployment)
                self._avert(deployment)
            for hook in deployment.awaiting:
                self._answer(deployment, hook)
            self._looks += 1
            self.aws.pause()
            seen = deployments.describe(self.aws, deployment.arn)
        except AwsFault as error:
            self._forgive(deployment, error)
            return deployment
        self._faults = 0
        return seen or replace(deployment, status="STOPPED", reason=deployment.reason or "its service was deleted")

    def _forgive(self, deployment: Deployment, error: Exception) -> None:
        self._faults += 1
        problem = str(translated(error)).rstrip(".")
        if self._faults > FAULTS:
            raise LostSight(deployment=deployment.short, problem=problem, minutes=HOOK_MINUTES) from error
        self.aws.progress(f"{problem}; look again")
        self.aws.pause()

    def _answer(self, deployment: Deployment, hook: Hook) -> None:
        if hook.id in self._answered:
            return
        if self._judge_at.get(hook.id, 0) > self._looks:
            self._waited += self.aws.poll_s
            return
        if deployment.stage not in HOOK_STAGES:
            self.aws.progress(f"a pause at {deployment.stage} is not this deployer's to answer")
            self._answered.add(hook.id)
            return
        verdict = self._verdicts.get(hook.id) or self.judge(deployment, hook)
        if verdict is None:
            self._judge_at[hook.id] = self._looks + JUDGE_LOOKS
            return
        self._verdicts[hook.id] = verdict
        action = "CONTINUE" if verdict.go else "ROLLBACK"
        self.aws.progress(f"answer the pause: {action}{' (' + verdict.why + ')' if verdict.why else ''}")
        if not verdict.go:
            self.why, self.inconclusive = verdict.why, verdict.inconclusive
        self._continue(deployment, hook, verdict)

    def _continue(self, deployment: Deployment, hook: Hook, verdict: Verdict) -> None:
        try:
            self.aws.ecs.continue_service_deployment(
                serviceDeploymentArn=deployment.arn, hookId=hook.id, action="CONTINUE" if verdict.go else "ROLLBACK"
            )
        except ClientError as error:
            # Another runner may have answered, or the hook timed out: the next look tells.
            self._refusals += 1
            if code_of(error) not in ("InvalidParameterException", "ClientException") or self._refusals > REFUSALS:
                raise
            self.aws.progress("ECS did not take the answer; look again")
            return
        self._answered.add(hook.id)

    def _hold_deadline(self, deployment: Deployment) -> None:
        now = self.aws.clock.monotonic()
        if self._stopped is not None:
            if now - self._stopped > ROLLBACK_S:
                minutes = ROLLBACK_S // 60
                raise DeploymentStuck(deployment=deployment.short, status=deployment.status, minutes=minutes)
            return
        limit = DEPLOYMENT_S + 60 * self.bake_minutes
        if now - self._begun - self._waited <= limit:
            return
        self._ask_back(deployment, f"it had not ended after {limit // 60} minutes")

    def _avert(self, deployment: Deployment) -> None:
        """Between pauses, in a bake above all, nobody is asked: what is seen twice is acted on all the same."""
        quiet = deployment.status == "IN_PROGRESS" and not deployment.awaiting and self._stopped is None
        found = self.danger(deployment) if quiet else ""
        if found and self._danger:
            self._ask_back(deployment, found)
        self._danger = found

    def _ask_back(self, deployment: Deployment, why: str) -> None:
        self.why = why
        self.aws.progress(f"{why}: ask ECS for the rollback")
        self._stopped = self.aws.clock.monotonic()
        try:
            self.aws.ecs.stop_service_deployment(serviceDeploymentArn=deployment.arn, stopType="ROLLBACK")
        except ClientError as error:
            # It may have ended in this moment, by itself.
            if code_of(error) != "ConflictException":
                self._stopped = None
                raise

    def _note(self, deployment: Deployment) -> None:
        """Prints a change of stage or of weights, and takes its time."""
        label = deployment.status if deployment.status != "IN_PROGRESS" else deployment.stage or deployment.status
        if (label, deployment.percent) == (self._stage, self._stage_percent):
            return
        if deployment.status in GOING_BACK and not self.why:
            self.why = self.diagnose(deployment)
        now = self.aws.clock.monotonic()
        if self._stage:
            seconds = round(now - self._stage_begun, 1)
            self.stages.append(Stage(self._stage, seconds, self._stage_at, self._stage_percent))
        if self._stage and deployment.percent != self._stage_percent:
            self.shifted = self.aws.clock.now()
        share = f" (new {deployment.percent:g} %)" if deployment.percent and deployment.status == "IN_PROGRESS" else ""
        self.aws.progress(f"{now - self._begun:6.1f} s  {label}{share}")
        self._stage, self._stage_percent = label, deployment.percent
        self._stage_begun, self._stage_at = now, self.aws.clock.now()
