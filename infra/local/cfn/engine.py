"""Creates, updates, rolls back and deletes the resources of one stack. Runs in a thread of the stack's operation.

Order: a resource comes after what it refers to, and goes before it. An update makes replacements before it deletes what
they replace; when it fails, it undoes its steps in reverse. Statuses and events as in the CloudFormation user guide.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from infra.local.cfn.actions import Actions, ResourceFailure
from infra.local.cfn.errors import CfnError, ResourceFailed
from infra.local.cfn.evaluate import Scope, evaluate, named_condition
from infra.local.cfn.graph import creation_order
from infra.local.cfn.imports import importers
from infra.local.cfn.policy import DELETE, MODIFY, REPLACE, StackPolicy
from infra.local.cfn.scope import ScopeMaker
from infra.local.cfn.stack import Output, Plan, Stack, StackResource, Step

RETAINED, RETAINED_EXCEPT_ON_CREATE = "Retain", "RetainExceptOnCreate"
DO_NOTHING, DELETE_IT = "DO_NOTHING", "DELETE"


class StackEngine:
    """Every method takes a stack from one stable status to another, and raises nothing: a failure is a status."""

    def __init__(self, actions: Actions, scopes: ScopeMaker) -> None:
        self._actions = actions
        self._scopes = scopes

    def create(self, stack: Stack, on_failure: str) -> None:
        """CREATE_IN_PROGRESS to CREATE_COMPLETE, or by `on_failure`: ROLLBACK_*, CREATE_FAILED or DELETE_*."""
        try:
            for logical_id in self._order(stack):
                self._check_cancelled(stack)
                self._actions.create(stack, logical_id)
            stack.outputs = self._outputs(stack)
        except (ResourceFailure, CfnError) as error:
            if on_failure == DO_NOTHING:
                self._actions.enter(stack, "CREATE_FAILED", str(error))
            elif on_failure == DELETE_IT:
                self._actions.enter(stack, "DELETE_IN_PROGRESS", f"{error} Delete requested by user.")
                self.delete(stack, creating=True)
            else:
                self.roll_back(stack, f"{error} Rollback requested by user.")
        else:
            self._actions.enter(stack, "CREATE_COMPLETE")

    def roll_back(self, stack: Stack, reason: str) -> None:
        """Of a stack whose creation failed: to ROLLBACK_COMPLETE or ROLLBACK_FAILED."""
        self._actions.enter(stack, "ROLLBACK_IN_PROGRESS", reason)
        self._settle(stack, self._delete_all(stack, creating=True), "ROLLBACK")

    def update(self, stack: Stack, plan: Plan, policy: StackPolicy | None, *, rolls_back: bool = True) -> None:
        """UPDATE_IN_PROGRESS to UPDATE_COMPLETE, UPDATE_ROLLBACK_COMPLETE, UPDATE_ROLLBACK_FAILED or UPDATE_FAILED."""
        stack.undone = stack.undone or (stack.plan, [])  # a failed update that was kept is taken back with this one
        steps = stack.undone[1]
        stack.plan = plan
        try:
            self._check_removals(stack, policy)
            for logical_id in self._order(stack):
                self._check_cancelled(stack)
                self._bring_up_to_date(stack, logical_id, steps, policy)
            stack.outputs = self._outputs(stack)
        except (ResourceFailure, CfnError) as error:
            if rolls_back:
                self.roll_back_update(stack, str(error))
            else:
                self._actions.enter(stack, "UPDATE_FAILED", str(error))
        else:
            self._actions.enter(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(stack, steps)
            stack.undone = None
            self._actions.enter(stack, "UPDATE_COMPLETE")

    def roll_back_update(self, stack: Stack, reason: str, skipped: Collection[str] = ()) -> None:
        """To UPDATE_ROLLBACK_COMPLETE or UPDATE_ROLLBACK_FAILED, from which it can be continued; `skipped` stay."""
        assert stack.undone is not None
        plan, steps = stack.undone
        self._actions.enter(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        stack.plan = plan
        failed = self._undo(stack, steps, skipped)
        if failed:
            stack.undone = (plan, failed)
            names = ", ".join(step.logical_id for step in failed)
            words = f"The following resource(s) failed to update: [{names}]."
            self._actions.enter(stack, "UPDATE_ROLLBACK_FAILED", words)
            return
        stack.undone = None
        self._actions.enter(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._actions.enter(stack, "UPDATE_ROLLBACK_COMPLETE")

    def delete(self, stack: Stack, *, creating: bool = False, retained: Collection[str] = ()) -> None:
        """DELETE_IN_PROGRESS to DELETE_COMPLETE or DELETE_FAILED; `retained` are left alone."""
        self._settle(stack, self._delete_all(stack, creating=creating, retained=retained), "DELETE")
        if stack.deleted:
            stack.deleted_at, stack.outputs = stack.events[-1].at, []

    def _order(self, stack: Stack) -> list[str]:
        scope, resources = self._actions.scope(stack), stack.plan.template["Resources"]
        wanted = [name for name, each in resources.items() if _wanted(each.get("Condition"), scope)]
        return [name for name in creation_order(resources) if name in wanted]

    def _check_cancelled(self, stack: Stack) -> None:
        if stack.cancelled:
            stack.cancelled = False
            raise CfnError("User Initiated")

    def _check_removals(self, stack: Stack, policy: StackPolicy | None) -> None:
        """What the template no longer has goes last, but is refused first: nothing is done then."""
        kept = set(self._order(stack))
        for resource in [each for name, each in stack.resources.items() if name not in kept]:
            self._permit(stack, resource, DELETE, policy)

    def _bring_up_to_date(self, stack: Stack, logical_id: str, steps: list[Step], policy: StackPolicy | None) -> None:
        definition = stack.plan.template["Resources"][logical_id]
        present = stack.resources.get(logical_id)
        if present is None:
            self._actions.create(stack, logical_id)
            steps.append(Step(logical_id, None, replaced=False))
            return
        properties = self._actions.properties(stack, logical_id)
        if properties == present.properties:
            present.definition = definition
        elif self._actions.replaces(present, properties):
            self._permit(stack, present, REPLACE, policy)
            self._actions.create(stack, logical_id)
            steps.append(Step(logical_id, present, replaced=True))
        else:
            self._permit(stack, present, MODIFY, policy)
            steps.append(Step(logical_id, replace(present), replaced=False))
            self._actions.change(stack, present, properties, definition)

    def _permit(self, stack: Stack, resource: StackResource, action: str, policy: StackPolicy | None) -> None:
        refusal = policy.refusal(action, resource.logical_id, resource.type) if policy else None
        if refusal is not None:
            self._actions.note(stack, resource, "UPDATE_FAILED", refusal)
            raise ResourceFailure(resource.logical_id, "UPDATE")

    def _undo(self, stack: Stack, steps: list[Step], skipped: Collection[str]) -> list[Step]:
        """Take the steps back, newest first; gives those that could not be, in their order."""
        failed = []
        for step in reversed(steps):
            now = stack.resources.get(step.logical_id)
            if step.logical_id in skipped or now is None or self._take_back(stack, now, step):
                self._restore(stack, step)
            else:
                failed.append(step)
        return failed[::-1]

    def _take_back(self, stack: Stack, now: StackResource, step: Step) -> bool:
        if step.before is None or step.replaced:
            return self._actions.delete(stack, now)
        try:
            self._actions.change(stack, now, step.before.properties, step.before.definition)
        except ResourceFailure:
            return False
        return True

    @staticmethod
    def _restore(stack: Stack, step: Step) -> None:
        if step.before is None:
            stack.resources.pop(step.logical_id, None)
        else:
            stack.resources[step.logical_id] = step.before

    def _clean_up(self, stack: Stack, steps: list[Step]) -> None:
        """Delete what was replaced or left out; a failure here leaves the resource behind, as AWS's does."""
        for step in reversed(steps):
            if not step.replaced or step.before is None:
                continue
            if step.before.definition.get("UpdateReplacePolicy") == RETAINED:
                self._actions.note(stack, step.before, "DELETE_SKIPPED")
            else:
                self._actions.delete(stack, step.before)
        kept = set(self._order(stack))
        for resource in [each for name, each in reversed(stack.resources.items()) if name not in kept]:
            if resource.definition.get("DeletionPolicy") in (RETAINED, RETAINED_EXCEPT_ON_CREATE):
                self._actions.note(stack, resource, "DELETE_SKIPPED")
            else:
                self._actions.delete(stack, resource)
            del stack.resources[resource.logical_id]

    def _delete_all(self, stack: Stack, *, creating: bool, retained: Collection[str] = ()) -> bool:
        retaining = (RETAINED,) if creating else (RETAINED, RETAINED_EXCEPT_ON_CREATE)
        order = {name: index for index, name in enumerate(creation_order(stack.plan.template["Resources"]))}
        doomed = sorted(stack.resources.values(), key=lambda each: order.get(each.logical_id, -1), reverse=True)
        done = []
        for resource in doomed:
            if resource.logical_id in retained or resource.definition.get("DeletionPolicy") in retaining:
                self._actions.note(stack, resource, "DELETE_SKIPPED")
            elif not self._actions.delete(stack, resource):
                done.append(False)
                continue
            del stack.resources[resource.logical_id]
        return all(done)

    def _outputs(self, stack: Stack) -> list[Output]:
        scope, outputs = self._actions.scope(stack), []
        for key, output in stack.plan.template["Outputs"].items():
            if _wanted(output.get("Condition"), scope):
                export = evaluate((output.get("Export") or {}).get("Name"), scope)
                outputs.append(Output(key, str(evaluate(output["Value"], scope)), output.get("Description"), export))
        self._scopes.check_exports(stack, outputs)
        self._check_imported(stack, outputs)
        return outputs

    def _check_imported(self, stack: Stack, outputs: list[Output]) -> None:
        """An export that another stack imports can neither change nor go."""
        now = {output.export: output.value for output in outputs}
        for before in stack.outputs:
            if before.export is None or now.get(before.export) == before.value:
                continue
            if others := importers(before.export, stack, self._scopes):
                verb = "updated" if before.export in now else "deleted"
                raise ResourceFailed(f"Export {before.export} cannot be {verb} as it is in use by {others[0].name}")

    def _settle(self, stack: Stack, worked: bool, verb: str) -> None:
        failed = [each.logical_id for each in stack.resources.values() if each.status == "DELETE_FAILED"]
        reason = None if worked else f"The following resource(s) failed to delete: [{', '.join(failed)}]."
        self._actions.enter(stack, f"{verb}_COMPLETE" if worked else f"{verb}_FAILED", reason)


def _wanted(condition: str | None, scope: Scope) -> bool:
    return condition is None or named_condition(condition, scope)
