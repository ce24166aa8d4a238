"""Judges a call: who calls, what it needs, and whether that is allowed; writes it down in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from infra.local.gateway.calls import Call
from infra.local.gateway.http import Request
from infra.local.iam import calls, resources
from infra.local.iam.context import context_of, passed_roles, request_tags
from infra.local.iam.evaluate import IDENTITY, Decision, Policies, Question, evaluate, evaluate_trust
from infra.local.iam.policy import Policy, PolicyMalformed
from infra.local.iam.principals import Caller, ExpiredSession, Principals, UnknownKey
from infra.local.iam.refusals import Refusal, access_refusal, credential_refusal

ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity"})  # "even if an administrator denies access to it"
ASSUME_ROLE, PASS_ROLE = "sts:AssumeRole", "iam:PassRole"
# Creating with tags needs a second action, by the operation's beginning.
TAG_ACTIONS = {
    "ecs": "ecs:TagResource",
    "ecr": "ecr:TagResource",
    "elasticloadbalancing": "elasticloadbalancing:AddTags",
    "logs": "logs:TagResource",
    "secretsmanager": "secretsmanager:TagResource",
}
CREATING = ("Create", "Register", "Run", "Start")


Need = tuple[str, str, dict[str, tuple[str, ...]]]  # action, resource ARN, condition keys of its own


class Lookups(resources.Lookups, Protocol):
    """What enforcement looks up beside what `resources` needs."""

    def policies(self, arn: str) -> list[Policy]:
        """The policies attached to a resource."""
        ...


class Enforcer:
    """`judge` is all. Where `enforced` is False nothing is refused, and calls are recorded all the same."""

    def __init__(
        self,
        account: str,
        principals: Principals,
        lookups: Lookups,
        log: calls.CallLog,
        now: Callable[[], float],
        partition: Callable[[str], str],
        *,
        enforced: bool,
    ) -> None:
        self._account = account
        self._principals = principals
        self._lookups = lookups
        self._log = log
        self._now = now
        self._partition = partition
        self._enforced = enforced

    def judge(self, call: Call, request: Request) -> Refusal | None:
        """The refusal of the call, or None where it may be carried out."""
        partition = self._partition(call.region)
        try:
            caller = self._principals.find(partition, request.access_key, request.session_token, self._now())
        except (UnknownKey, ExpiredSession) as error:
            self._record(call, request.access_key, [], calls.DENIED if self._enforced else calls.UNENFORCED)
            return credential_refusal(call, isinstance(error, ExpiredSession)) if self._enforced else None
        questions = list(self._questions(call, request, caller, partition))
        denied = self._first_denial(questions, caller) if self._enforced and not caller.root else None
        verdict = calls.UNENFORCED if not self._enforced else calls.DENIED if denied else calls.ALLOWED
        self._record(call, caller.keys.arn, questions, verdict)
        return access_refusal(call, caller.keys.arn, *denied) if denied else None

    def _questions(self, call: Call, request: Request, caller: Caller, partition: str) -> Iterator[Question]:
        arns = resources.Arns(partition, self._account, call.region, self._lookups, caller.keys.user_name)
        for action, arn, more in self._needs(call, arns):
            unknown = "*" in arn or call.operation.startswith(CREATING)
            tags: Mapping[str, str] = {} if unknown else self._lookups.tags(arn)
            context = context_of(call, caller.keys, request.source_ip, self._now(), tags, arns)
            yield Question(action, arn, context | more, caller.names, caller.account_names)

    def _needs(self, call: Call, arns: resources.Arns) -> list[Need]:
        """Of a request that makes no sense only the action: its service will refuse it."""
        try:
            return list(_needs(call, arns))
        except (AttributeError, KeyError, TypeError, ValueError):
            return [(call.action, "*", {})]

    def _first_denial(self, questions: list[Question], caller: Caller) -> tuple[Question, Decision] | None:
        for question in questions:
            if question.action in ALWAYS_ALLOWED:
                continue
            decision = self._decide(question, caller)
            if not decision.allowed:
                return question, decision
        return None

    def _decide(self, question: Question, caller: Caller) -> Decision:
        try:
            return self._evaluate(question, caller)
        except PolicyMalformed:
            return Decision(False, IDENTITY)  # IAM would not have stored it; nobody gains a right by it

    def _evaluate(self, question: Question, caller: Caller) -> Decision:
        if question.action == ASSUME_ROLE:
            trust = self._lookups.policies(question.resource)
            return evaluate_trust(question, Policies(caller.policies, trust, caller.boundary, caller.session))
        is_iam = question.action.startswith("iam:")  # a role's trust policy speaks of assuming it only
        attached = [] if is_iam else self._lookups.policies(question.resource)
        return evaluate(question, Policies(caller.policies, attached, caller.boundary, caller.session))

    def _record(self, call: Call, caller: str, questions: list[Question], verdict: str) -> None:
        checks = [(question.action, question.resource) for question in questions]
        self._log.add(
            calls.RecordedCall(self._now(), call.service, call.operation, call.region, caller, checks, verdict)
        )


def _needs(call: Call, arns: resources.Arns) -> Iterator[Need]:
    """The call's own action, tagging what it creates, and passing the roles that it names."""
    tagging = call.service in TAG_ACTIONS and call.operation.startswith(CREATING) and request_tags(call.parameters)
    for arn in resources.resources_of(call, arns):
        yield call.action, arn, {}
        if tagging:
            yield TAG_ACTIONS[call.service], arn, {f"{call.service}:createaction": (call.operation,)}
    for role in passed_roles(call, arns.partition, arns.account):
        yield PASS_ROLE, role.arn, {"iam:passedtoservice": (role.service,)}
