"""Creates, changes and deletes one resource of a stack, with its events."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.cfn.dynamic import Lookups, resolve
from infra.local.cfn.evaluate import Scope, evaluate
from infra.local.cfn.resources.base import Made, Place
from infra.local.cfn.scope import ScopeMaker, Types
from infra.local.cfn.stack import Stack, StackResource
from infra.local.clock import Clock

log = logging.getLogger(__name__)


class ResourceFailure(Exception):
    """A resource failed; `str()` is the stack's status reason."""

    def __init__(self, logical_id: str, verb: str) -> None:
        super().__init__(f"The following resource(s) failed to {verb.lower()}: [{logical_id}].")


class Actions:
    """`changed` is told of each resource that came, changed or went."""

    def __init__(
        self,
        account: str,
        types: Types,
        scopes: ScopeMaker,
        lookups: Lookups,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._account = account
        self._types = types
        self._scopes = scopes
        self._lookups = lookups
        self._clock = clock
        self._changed = changed

    def scope(self, stack: Stack) -> Scope:
        """What names mean in the stack now."""
        return self._scopes.of(stack, stack.plan)

    def properties(self, stack: Stack, logical_id: str) -> dict[str, Any]:
        """The properties that the stack's plan gives a resource, evaluated; raises CfnError."""
        values: dict[str, Any] = evaluate(stack.plan.template["Resources"][logical_id]["Properties"], self.scope(stack))
        return values

    def replaces(self, present: StackResource, properties: Mapping[str, Any]) -> bool:
        """Whether those properties need a new resource."""
        return self._types.get(present.type).replaces(present.properties, properties)

    def create(self, stack: Stack, logical_id: str) -> None:
        """Make a resource of the stack's plan; raises ResourceFailure, or CfnError where it cannot be evaluated."""
        definition = stack.plan.template["Resources"][logical_id]
        kind, properties, place = definition["Type"], self.properties(stack, logical_id), self._place(stack)
        made = self._attempt(
            stack, "CREATE", logical_id, "", kind,
            lambda: self._types.get(kind).create(place, logical_id, self._given(stack, properties)),
        )  # fmt: skip
        stack.resources[logical_id] = StackResource(
            logical_id, kind, properties, made, "CREATE_COMPLETE", self._clock.now(), definition
        )

    def change(
        self, stack: Stack, present: StackResource, properties: dict[str, Any], definition: Mapping[str, Any]
    ) -> None:
        """Change a resource in place; raises ResourceFailure."""
        place, kind = self._place(stack), present.type
        made = self._attempt(
            stack, "UPDATE", present.logical_id, present.made.physical_id, kind,
            lambda: self._types.get(kind).update(
                place, present.made, present.properties, self._given(stack, properties)
            ),
        )  # fmt: skip
        stack.resources[present.logical_id] = StackResource(
            present.logical_id, kind, properties, made, "UPDATE_COMPLETE", self._clock.now(), definition
        )

    def delete(self, stack: Stack, resource: StackResource) -> bool:
        """Remove a resource, which stays among the stack's; says whether that worked."""
        place, kind = self._place(stack), resource.type
        try:
            self._attempt(
                stack, "DELETE", resource.logical_id, resource.made.physical_id, kind,
                lambda: self._types.get(kind).delete(place, resource.made, resource.properties),
            )  # fmt: skip
        except ResourceFailure:
            resource.status = "DELETE_FAILED"
            return False
        return True

    def note(self, stack: Stack, resource: StackResource, status: str, reason: str | None = None) -> None:
        """Add an event of a resource."""
        self._event(stack, resource.logical_id, resource.made.physical_id, resource.type, status, reason)

    def enter(self, stack: Stack, status: str, reason: str | None = None) -> None:
        """Take the stack to a status."""
        stack.enter(status, self._clock.now(), reason)

    def _attempt(
        self, stack: Stack, verb: str, name: str, physical: str, kind: str, call: Callable[[], Made | None]
    ) -> Made:
        self._event(stack, name, physical, kind, f"{verb}_IN_PROGRESS")
        try:
            made = call() or Made(physical)
        except Exception as error:  # moto's resources fail with exceptions of every type
            log.exception("%s of %s in %s failed", verb, name, stack.name)
            self._event(stack, name, physical, kind, f"{verb}_FAILED", _reason(error))
            raise ResourceFailure(name, verb) from error
        self._event(stack, name, made.physical_id, kind, f"{verb}_COMPLETE")
        return made

    def _event(self, stack: Stack, name: str, physical: str, kind: str, status: str, reason: str | None = None) -> None:
        stack.record(self._clock.now(), name, physical, kind, status, reason)
        if status.endswith("_COMPLETE"):
            self._changed()

    def _given(self, stack: Stack, properties: Mapping[str, Any]) -> dict[str, Any]:
        """A copy, for moto changes what it is given, with dynamic references resolved."""
        given: dict[str, Any] = resolve(copy.deepcopy(dict(properties)), stack.region, self._lookups)
        return given

    def _place(self, stack: Stack) -> Place:
        return Place(self._account, stack.region, stack.id, stack.name)


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", None) or error) or type(error).__name__
