"""Whether policies allow an action on a resource (IAM user guide, "Policy evaluation logic"), within one account.

An explicit deny anywhere ends it. Then the identity's own policies or the resource's have to allow it, and so do the
permissions boundary and the session's policy where there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from infra.local.iam.conditions import Context, holds
from infra.local.iam.policy import Policy, Statement, matches, substituted

IDENTITY, RESOURCE, BOUNDARY, SESSION = (
    "identity-based policy", "resource-based policy", "permissions boundary", "session policy"
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """May somebody do `action` on `resource`?

    In a resource's policy `names` (ARNs) stand for the caller itself. `account_names` stand for its whole account: they
    deny, but what they allow, a policy of the identity has to allow too.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    account_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policies:
    """All policies that have a say. `boundary` and `session` are None where there is none."""

    identity: Sequence[Policy] = ()
    resource: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Policy | None = None


@dataclass(frozen=True)
class Decision:
    """`kind` is the kind of policy that decided; `explicit` whether a deny statement did."""

    allowed: bool
    kind: str
    explicit: bool = False

    def because(self, action: str) -> str:
        """The end of AWS's message for a refusal ("Troubleshoot access denied error messages")."""
        if self.explicit:
            return f"with an explicit deny in {'an' if self.kind == IDENTITY else 'a'} {self.kind}"
        return f"because no {self.kind} allows the {action} action"


def evaluate(question: Question, policies: Policies) -> Decision:
    """The decision; raises PolicyMalformed."""
    kinds: list[tuple[str, Iterable[Policy]]] = [
        (IDENTITY, policies.identity),
        (RESOURCE, policies.resource),
        (BOUNDARY, [policies.boundary] if policies.boundary is not None else []),
        (SESSION, [policies.session] if policies.session is not None else []),
    ]
    found = {kind: _effects(question, given, attached=kind == RESOURCE) for kind, given in kinds}
    for kind, effects in found.items():
        if False in effects:
            return Decision(False, kind, explicit=True)
    if True not in found[IDENTITY] and True not in found[RESOURCE]:
        return Decision(False, IDENTITY)
    if policies.boundary is not None and True not in found[BOUNDARY]:
        return Decision(False, BOUNDARY)
    if policies.session is not None and True not in found[SESSION]:
        return Decision(False, SESSION)
    return Decision(True, IDENTITY if True in found[IDENTITY] else RESOURCE)


def evaluate_trust(question: Question, policies: Policies) -> Decision:
    """The decision on assuming a role, whose trust policies are `policies.resource`: they have to allow it as well."""
    decision = evaluate(question, policies)
    trusting = any(
        statement.allow and _names_principal(statement, question.names | question.account_names)
        for policy in policies.resource
        for statement in policy
        if applies(statement, question)
    )
    return decision if trusting or decision.explicit else Decision(False, RESOURCE)


def _effects(question: Question, policies: Iterable[Policy], *, attached: bool) -> set[bool]:
    """The effects of the statements that apply. Those `attached` to a resource have to name the caller."""
    everybody = question.names | question.account_names
    return {
        statement.allow
        for policy in policies
        for statement in policy
        if applies(statement, question)
        and (not attached or _names_principal(statement, question.names if statement.allow else everybody))
    }


def applies(statement: Statement, question: Question) -> bool:
    """Whether action, resource and conditions of the statement fit the question."""
    return (
        _names_action(statement, question.action)
        and _names_resource(statement, question)
        and holds(statement.conditions, question.context)
    )


def _names_action(statement: Statement, action: str) -> bool:
    if statement.not_actions:
        return not any(matches(each, action, ignore_case=True) for each in statement.not_actions)
    return any(matches(each, action, ignore_case=True) for each in statement.actions)


def _names_resource(statement: Statement, question: Question) -> bool:
    if statement.not_resources:
        return not _any_resource(statement.not_resources, question)
    if not statement.resources:
        return statement.principals is not None or statement.not_principals is not None  # a trust policy has none
    return _any_resource(statement.resources, question)


def _any_resource(patterns: Iterable[str], question: Question) -> bool:
    texts = (substituted(each, question.context) for each in patterns)
    return any(text is not None and matches(text, question.resource) for text in texts)


def _names_principal(statement: Statement, names: frozenset[str]) -> bool:
    if statement.not_principals is not None:
        return not any(value in names for kind, value in statement.not_principals if kind == "AWS")
    return any(value == "*" or value in names for kind, value in statement.principals or () if kind == "AWS")
