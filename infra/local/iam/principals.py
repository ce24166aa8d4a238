"""Who calls, by the access key that a request was signed with, over moto's IAM and STS.

A key that IAM or STS made stands for its user or its role's session. A key of any other form (`any`, say) stands for
the account's root, to whom nothing is refused, so that an instance can be set up before there are identities.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.iam.context import CallerKeys
from infra.local.iam.policy import Policy, parse_policy

AWS_KEY = re.compile(r"A[KS]IA[A-Z0-9]{16}")


class UnknownKey(Exception):
    """The key has AWS's form, and nobody has it."""


class ExpiredSession(Exception):
    """The role session has ended."""


@dataclass(frozen=True)
class Caller:
    """A caller, its policies, and what stands for it (`names`) and its account in a resource's policy."""

    keys: CallerKeys
    names: frozenset[str]
    account_names: frozenset[str] = frozenset()
    root: bool = False
    policies: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Policy | None = None


class Principals:
    """`iam` and `sts` give moto's backends of a partition."""

    def __init__(self, account: str, iam: Callable[[str], Any], sts: Callable[[str], Any]) -> None:
        self._account = account
        self._iam = iam
        self._sts = sts

    def find(self, partition: str, access_key: str, session_token: str, now: float) -> Caller:
        """The caller at `now` (seconds since the epoch); raises UnknownKey or ExpiredSession."""
        if not AWS_KEY.fullmatch(access_key):
            return self._root(partition)
        session = self._sts(partition).get_assumed_role_from_access_key(access_key)
        if session is not None:
            return self._role_session(partition, session, session_token, now)
        for user in list(self._iam(partition).users.values()):
            for key in list(user.access_keys):
                if key.access_key_id == access_key and key.status == "Active":
                    return self._user(partition, user)
        raise UnknownKey(access_key)

    def _root(self, partition: str) -> Caller:
        arn = f"arn:{partition}:iam::{self._account}:root"
        return Caller(CallerKeys(arn, self._account, "Account", self._account), frozenset({arn}), root=True)

    def _user(self, partition: str, user: Any) -> Caller:
        groups = self._iam(partition).get_groups_for_user(user.name)
        keys = CallerKeys(user.arn, self._account, "User", user.id, user.name, _tags(self._user_tags(partition, user)))
        return Caller(keys, frozenset({user.arn}), self._account_names(partition), policies=_policies([user, *groups]))

    def _account_names(self, partition: str) -> frozenset[str]:
        return frozenset({self._account, f"arn:{partition}:iam::{self._account}:root"})

    def _user_tags(self, partition: str, user: Any) -> Any:
        return self._iam(partition).tagger.list_tags_for_resource(user.arn)["Tags"]

    def _role_session(self, partition: str, session: Any, token: str, now: float) -> Caller:
        if token != session.session_token:
            raise UnknownKey(session.access_key_id)
        if now >= session.expiration.timestamp():
            raise ExpiredSession(session.access_key_id)
        backend = self._iam(partition)
        role = next((each for each in list(backend.roles.values()) if each.arn == session.role_arn), None)
        if role is None:
            raise UnknownKey(session.access_key_id)
        boundary = backend.managed_policies.get(role.permissions_boundary_arn or "")
        keys = CallerKeys(
            session.arn, self._account, "AssumedRole", f"{role.id}:{session.session_name}", tags=_tags(role.tags)
        )
        return Caller(
            keys,
            frozenset({session.arn, role.arn}),
            self._account_names(partition),
            policies=_policies([role]),
            boundary=_managed(boundary) if role.permissions_boundary_arn else None,
            session=parse_policy(session.policy) if session.policy else None,
        )


def _policies(holders: Iterable[Any]) -> list[Policy]:
    """The inline and managed policies of users, groups and roles."""
    found: list[Policy] = []
    for holder in holders:
        found += [parse_policy(document) for document in list(holder.policies.values())]
        found += [_managed(policy) for policy in list(holder.managed_policies.values())]
    return found


def _managed(policy: Any) -> Policy:
    """Its default version; one that is gone allows nothing."""
    if policy is None:
        return ()
    document = next(each.document for each in policy.versions if each.version_id == policy.default_version_id)
    return parse_policy(document)


def _tags(tags: Any) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in tags or ()}
