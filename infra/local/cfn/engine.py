"""Creates, updates, rolls back and deletes the resources of one stack. Runs in a thread of the stack's operation.

Order: a resource comes after what it refers to, and goes before it. An update makes replacements before it deletes what
they replace; when it fails, it undoes its steps in reverse. Statuses and events as in the CloudFormation user guide.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from infra.local.cfn.errors import CfnError
from infra.local.cfn.evaluate import Scope, evaluate, named_condition
from infra.local.cfn.graph import creation_order
from infra.local.cfn.resources.base import Made, Place, ResourceType
from infra.local.cfn.scope import ScopeMaker
from infra.local.cfn.stack import Output, Plan, Stack, StackResource
from infra.local.clock import Clock

RETAINED, RETAINED_EXCEPT_ON_CREATE = "Retain", "RetainExceptOnCreate"

log = logging.getLogger(__name__)


class Types(Protocol):
    """Where resource types come from."""

    def get(self, name: str) -> ResourceType:
        """The type of that name; raises TemplateError where it is not served."""
        ...


@dataclass(frozen=True)
class Step:
    """What an update did to a resource: `before` is None where it was added."""

    logical_id: str
    before: StackResource | None
    replaced: bool


class StackEngine:
    """Every method takes a stack from one stable status to another, and raises nothing: a failure is a status."""

    def __init__(
        self, account: str, types: Types, scopes: ScopeMaker, clock: Clock, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._account = account
        self._types = types
        self._scopes = scopes
        self._clock = clock
        self._changed = changed

    def create(self, stack: Stack) -> None:
        """CREATE_IN_PROGRESS to CREATE_COMPLETE, ROLLBACK_COMPLETE or ROLLBACK_FAILED."""
        try:
            for logical_id in self._order(stack):
                self._create(stack, logical_id)
            stack.outputs = self._outputs(stack)
        except (ResourceFailure, CfnError) as error:
            self._enter(stack, "ROLLBACK_IN_PROGRESS", _reason(error))
            self._settle(stack, self._delete_all(stack, creating=True), "ROLLBACK")
        else:
            self._enter(stack, "CREATE_COMPLETE")

    def update(self, stack: Stack, plan: Plan) -> None:
        """UPDATE_IN_PROGRESS to UPDATE_COMPLETE, UPDATE_ROLLBACK_COMPLETE or UPDATE_ROLLBACK_FAILED."""
        old_plan, steps = stack.plan, list[Step]()
        stack.plan = plan
        try:
            for logical_id in self._order(stack):
                self._bring_up_to_date(stack, logical_id, steps)
            stack.outputs = self._outputs(stack)
        except (ResourceFailure, CfnError) as error:
            self._enter(stack, "UPDATE_ROLLBACK_IN_PROGRESS", _reason(error))
            stack.plan = old_plan
            self._settle(stack, self._undo(stack, steps), "UPDATE_ROLLBACK")
        else:
            self._enter(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(stack, steps)
            self._enter(stack, "UPDATE_COMPLETE")

    def delete(self, stack: Stack) -> None:
        """DELETE_IN_PROGRESS to DELETE_COMPLETE or DELETE_FAILED."""
        self._settle(stack, self._delete_all(stack, creating=False), "DELETE")
        if stack.deleted:
            stack.deleted_at, stack.outputs = self._clock.now(), []

    def _order(self, stack: Stack) -> list[str]:
        scope = self._scope(stack)
        resources: Mapping[str, Any] = stack.plan.template["Resources"]
        return [name for name in creation_order(resources) if _wanted(resources[name], scope)]

    def _create(self, stack: Stack, logical_id: str) -> None:
        definition = stack.plan.template["Resources"][logical_id]
        kind, properties = definition["Type"], evaluate(definition["Properties"], self._scope(stack))
        place, given = self._place(stack), copy.deepcopy(properties)  # moto changes what it is given
        made = self._attempt(
            stack, "CREATE", logical_id, "", kind, lambda: self._types.get(kind).create(place, logical_id, given)
        )
        stack.resources[logical_id] = StackResource(
            logical_id, kind, properties, made, "CREATE_COMPLETE", self._clock.now(), definition
        )

    def _attempt(
        self, stack: Stack, verb: str, name: str, physical: str, kind: str, call: Callable[[], Made | None]
    ) -> Made:
        """Do something to a resource, with its events; raises ResourceFailure."""
        self._note(stack, name, physical, kind, f"{verb}_IN_PROGRESS")
        try:
            made = call() or Made(physical)
        except Exception as error:  # moto's resources fail with exceptions of every type
            log.exception("%s of %s in %s failed", verb, name, stack.name)
            self._note(stack, name, physical, kind, f"{verb}_FAILED", _reason(error))
            raise ResourceFailure(name, _reason(error)) from error
        self._note(stack, name, made.physical_id, kind, f"{verb}_COMPLETE")
        return made

    def _bring_up_to_date(self, stack: Stack, logical_id: str, steps: list[Step]) -> None:
        definition = stack.plan.template["Resources"][logical_id]
        present = stack.resources.get(logical_id)
        if present is None or present.type != definition["Type"]:
            self._create(stack, logical_id)
            steps.append(Step(logical_id, present, replaced=present is not None))
            return
        properties = evaluate(definition["Properties"], self._scope(stack))
        if properties == present.properties:
            present.definition = definition
        elif self._types.get(present.type).replaces(present.properties, properties):
            self._create(stack, logical_id)
            steps.append(Step(logical_id, present, replaced=True))
        else:
            steps.append(Step(logical_id, replace(present), replaced=False))
            self._change(stack, present, properties, definition)

    def _change(
        self, stack: Stack, present: StackResource, properties: dict[str, Any], definition: Mapping[str, Any]
    ) -> None:
        place, given, kind = self._place(stack), copy.deepcopy(properties), present.type
        made = self._attempt(
            stack, "UPDATE", present.logical_id, present.made.physical_id, kind,
            lambda: self._types.get(kind).update(place, present.made, present.properties, given),
        )  # fmt: skip
        stack.resources[present.logical_id] = StackResource(
            present.logical_id, kind, properties, made, "UPDATE_COMPLETE", self._clock.now(), definition
        )

    def _undo(self, stack: Stack, steps: list[Step]) -> bool:
        """Take the steps back, newest first; says whether all of it worked."""
        done = []
        for step in reversed(steps):
            now = stack.resources.get(step.logical_id)
            if step.before is None or step.replaced:
                done.append(now is None or self._delete(stack, now))
            elif now is not None:
                done.append(self._change_back(stack, now, step.before))
            if step.before is None:
                stack.resources.pop(step.logical_id, None)
            else:
                stack.resources[step.logical_id] = step.before
        return all(done)

    def _change_back(self, stack: Stack, now: StackResource, before: StackResource) -> bool:
        try:
            self._change(stack, now, before.properties, before.definition)
        except ResourceFailure:
            return False
        return True

    def _clean_up(self, stack: Stack, steps: list[Step]) -> None:
        """Delete what was replaced or left out; a failure here leaves the resource behind, as AWS's does."""
        for step in reversed(steps):
            if not step.replaced or step.before is None:
                continue
            if step.before.definition.get("UpdateReplacePolicy") != RETAINED:
                self._delete(stack, step.before)
        kept = set(self._order(stack))
        for resource in [each for name, each in reversed(stack.resources.items()) if name not in kept]:
            if resource.definition.get("DeletionPolicy") not in (RETAINED, RETAINED_EXCEPT_ON_CREATE):
                self._delete(stack, resource)
            del stack.resources[resource.logical_id]

    def _delete_all(self, stack: Stack, *, creating: bool) -> bool:
        retaining = (RETAINED,) if creating else (RETAINED, RETAINED_EXCEPT_ON_CREATE)
        order = {name: index for index, name in enumerate(creation_order(stack.plan.template["Resources"]))}
        doomed = sorted(stack.resources.values(), key=lambda each: order.get(each.logical_id, -1), reverse=True)
        done = []
        for resource in doomed:
            if resource.definition.get("DeletionPolicy") in retaining:
                self._note(stack, resource.logical_id, resource.made.physical_id, resource.type, "DELETE_SKIPPED")
            elif not self._delete(stack, resource):
                done.append(False)
                continue
            del stack.resources[resource.logical_id]
        return all(done)

    def _delete(self, stack: Stack, resource: StackResource) -> bool:
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

    def _outputs(self, stack: Stack) -> list[Output]:
        scope, outputs = self._scope(stack), []
        for key, output in stack.plan.template["Outputs"].items():
            if _wanted(output, scope):
                export = evaluate((output.get("Export") or {}).get("Name"), scope)
                outputs.append(Output(key, str(evaluate(output["Value"], scope)), output.get("Description"), export))
        self._scopes.check_exports(stack, outputs)
        return outputs

    def _settle(self, stack: Stack, worked: bool, verb: str) -> None:
        failed = [each.logical_id for each in stack.resources.values() if each.status == "DELETE_FAILED"]
        reason = None if worked else f"The following resource(s) failed to delete: [{', '.join(failed)}]."
        self._enter(stack, f"{verb}_COMPLETE" if worked else f"{verb}_FAILED", reason)

    def _enter(self, stack: Stack, status: str, reason: str | None = None) -> None:
        stack.enter(status, self._clock.now(), reason)

    def _note(self, stack: Stack, name: str, physical: str, kind: str, status: str, reason: str | None = None) -> None:
        stack.record(self._clock.now(), name, physical, kind, status, reason)
        if status.endswith("_COMPLETE"):
            self._changed()

    def _scope(self, stack: Stack) -> Scope:
        return self._scopes.of(stack, stack.plan)

    def _place(self, stack: Stack) -> Place:
        return Place(self._account, stack.region, stack.id, stack.name)


class ResourceFailure(Exception):
    """A resource failed; `str()` is the stack's status reason."""

    def __init__(self, logical_id: str, reason: str) -> None:
        super().__init__(f"The following resource(s) failed: [{logical_id}]. {reason}")


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", None) or error) or type(error).__name__


def _wanted(definition: Mapping[str, Any], scope: Scope) -> bool:
    return "Condition" not in definition or named_condition(definition["Condition"], scope)
