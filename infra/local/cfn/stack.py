"""Stacks, their resources, events and change sets, as records."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.cfn.policy import StackPolicy
from infra.local.cfn.resources.base import Made

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Plan:
    """What a stack should be: a template, its text, and the parameters' values as text.

    `resolved` has the values behind the parameters that name an SSM parameter.
    """

    template: Mapping[str, Any]
    text: str
    parameters: Mapping[str, str]
    resolved: Mapping[str, str] = field(default_factory=dict)


@dataclass
class StackResource:
    """A resource that exists. `properties` are those it was last given, evaluated."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    made: Made
    status: str
    updated_at: float
    definition: Mapping[str, Any]


@dataclass
class Event:
    """A stack event."""

    id: str
    at: float
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None


@dataclass(frozen=True)
class Output:
    """An output's value, and the name it is exported under."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass(frozen=True)
class Step:
    """What an update did to a resource: `before` is None where it was added."""

    logical_id: str
    before: StackResource | None
    replaced: bool


@dataclass(frozen=True)
class Detail:
    """Why a property changes: CloudFormation's ChangeSource, and the parameter or resource that is the cause."""

    attribute: str
    name: str | None
    recreation: str
    source: str
    cause: str | None = None


@dataclass(frozen=True)
class Change:
    """What a change set will do to a resource, and what becomes of the resource it replaces or removes."""

    action: str
    logical_id: str
    physical_id: str | None
    type: str
    replacement: str | None
    details: tuple[Detail, ...] = ()
    policy_action: str | None = None


@dataclass
class ChangeSet:
    """A change set."""

    id: str
    name: str
    kind: str
    plan: Plan
    created_at: float
    status: str
    execution_status: str
    reason: str | None = None
    description: str | None = None
    changes: list[Change] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    on_failure: str | None = None


@dataclass
class Stack:
    """A stack of one region."""

    id: str
    name: str
    region: str
    created_at: float
    plan: Plan
    status: str
    reason: str | None = None
    updated_at: float | None = None
    deleted_at: float | None = None
    resources: dict[str, StackResource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    rolls_back: bool = True
    protected: bool = False
    policy: StackPolicy | None = None
    role: str | None = None
    notified: list[str] = field(default_factory=list)
    undone: tuple[Plan, list[Step]] | None = None  # while an update is under way or failed: what was, and what it did
    cancelled: bool = False  # the update under way is to end before its next resource

    @property
    def deleted(self) -> bool:
        """Whether the stack is gone; it can still be read by its id."""
        return self.status == "DELETE_COMPLETE"

    def enter(self, status: str, at: float, reason: str | None = None) -> None:
        """Take a status, with its event."""
        self.status, self.reason = status, reason
        self.record(at, self.name, self.id, STACK_TYPE, status, reason)

    def record(self, at: float, logical: str, physical: str, kind: str, status: str, reason: str | None = None) -> None:
        """Add an event."""
        self.events.append(Event(str(uuid.uuid4()), at, logical, physical, kind, status, reason))
