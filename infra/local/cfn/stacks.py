"""The stacks of all regions, and their operations, each of which runs in a thread of its own."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from infra.local.cfn.actions import Actions
from infra.local.cfn.changes import preview
from infra.local.cfn.dynamic import Lookups
from infra.local.cfn.engine import StackEngine
from infra.local.cfn.errors import (
    CfnError,
    ChangeSetNotFound,
    InvalidChangeSetStatus,
    NoUpdates,
    Protected,
    StackExists,
    StackNotFound,
    WrongStackState,
)
from infra.local.cfn.imports import importers
from infra.local.cfn.plans import Planner
from infra.local.cfn.scope import ScopeMaker, Types
from infra.local.cfn.stack import ChangeSet, Plan, Stack
from infra.local.clock import Clock

NOTHING_CHANGED = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
BROKEN_OFF = "AWS on this machine ended in the middle of it"
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
RETRIABLE = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})  # by an update that keeps what fails
ROLLBACK, DO_NOTHING = "ROLLBACK", "DO_NOTHING"
Request = dict[str, Any]

log = logging.getLogger(__name__)


def in_thread(call: Callable[[], None]) -> None:
    """Run a call in a daemon thread."""
    threading.Thread(target=call, name="cloudformation", daemon=True).start()


class Stacks:
    """CloudFormation's operations on records. `background` runs a stack operation and returns at once."""

    def __init__(
        self,
        account: str,
        types: Types,
        clock: Clock,
        lookups: Lookups,
        *,
        background: Callable[[Callable[[], None]], None] = in_thread,
        changed: Callable[[], None] = lambda: None,
        partition: Callable[[str], str] = lambda region: "aws",
    ) -> None:
        self._account = account
        self._types = types
        self._clock = clock
        self._background = background
        self._partition = partition
        self._stacks: list[Stack] = []
        self._lock = threading.RLock()
        self.planner = Planner(types, lookups)
        self.scopes = ScopeMaker(account, types, self.of_region, partition)
        self._engine = StackEngine(Actions(account, types, self.scopes, lookups, clock, changed), self.scopes)

    def of_region(self, region: str) -> list[Stack]:
        """All stacks of a region, deleted ones too."""
        return [stack for stack in self._stacks if stack.region == region]

    @property
    def changes(self) -> int:
        """A number that grows with every step of every stack."""
        return sum(len(stack.events) for stack in list(self._stacks))

    def snapshot(self) -> list[Stack]:
        """All stacks, for `restore`."""
        return list(self._stacks)

    def restore(self, stacks: list[Stack]) -> None:
        """Go on with these, before the first call. Nobody carries on an operation that was under way: it has failed."""
        self._stacks = stacks
        for stack in stacks:
            if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
                stack.enter(_broken_off(stack.status), self._clock.now(), BROKEN_OFF)

    def find(self, region: str, name: str) -> Stack:
        """A stack by name (not a deleted one) or id; raises StackNotFound."""
        for stack in reversed(self.of_region(region)):
            if stack.id == name or (stack.name == name and not stack.deleted):
                return stack
        raise StackNotFound(name)

    def create(self, region: str, request: Request) -> Stack:
        """CreateStack."""
        on_failure = _on_failure(request)
        with self._lock:
            if any(each.name == request["StackName"] and not each.deleted for each in self.of_region(region)):
                raise StackExists(request["StackName"])
            plan, policy = self.planner.plan(region, request, None), self.planner.policy(request)
            stack = self._add(region, request, plan, "CREATE_IN_PROGRESS")
            stack.policy, stack.rolls_back = policy, on_failure == ROLLBACK
            stack.protected = _true(request, "EnableTerminationProtection")
        self._run(stack, lambda: self._engine.create(stack, on_failure))
        return stack

    def update(self, region: str, request: Request) -> Stack:
        """UpdateStack."""
        keeps = _true(request, "DisableRollback")
        with self._lock:
            stack = self.find(region, request["StackName"])
            self._check_updatable(stack, keeps=keeps)
            plan = self.planner.plan(region, request, stack.plan)
            policy, once = self.planner.policy(request), self.planner.policy(request, "StackPolicyDuringUpdate")
            same = _same_outputs(stack.plan, plan) and request.get("Tags", stack.tags) == stack.tags
            if same and stack.undone is None and not preview(stack, plan, self.scopes, self._types):
                raise NoUpdates
            stack.policy = policy or stack.policy
            self._begin_update(stack, request, keeps=keeps)
        self._run(stack, lambda: self._engine.update(stack, plan, once or stack.policy, rolls_back=not keeps))
        return stack

    def cancel(self, region: str, name: str) -> None:
        """CancelUpdateStack: the update ends before its next resource, and is rolled back."""
        stack = self.find(region, name)
        if stack.status != "UPDATE_IN_PROGRESS":
            raise CfnError("CancelUpdateStack cannot be called from current stack status")
        stack.cancelled = True

    def roll_back(self, region: str, name: str) -> Stack:
        """RollbackStack: of a stack whose failed creation or update was kept."""
        with self._lock:
            stack = self.find(region, name)
            if stack.status not in RETRIABLE:
                raise WrongStackState(stack.id, stack.status, "rolled back")
            created = stack.undone is not None
            stack.enter(f"{'UPDATE_' if created else ''}ROLLBACK_IN_PROGRESS", self._clock.now(), "User Initiated")
        back = self._engine.roll_back_update if created else self._engine.roll_back
        self._run(stack, lambda: back(stack, "User Initiated"))
        return stack

    def continue_rollback(self, region: str, name: str, skipped: list[str]) -> None:
        """ContinueUpdateRollback; `skipped` resources are left as they are."""
        with self._lock:
            stack = self.find(region, name)
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise WrongStackState(stack.id, stack.status, "continued rolling back")
            stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", self._clock.now(), "User Initiated")
        self._run(stack, lambda: self._engine.roll_back_update(stack, "User Initiated", skipped))

    def delete(self, region: str, name: str, retained: list[str]) -> None:
        """DeleteStack; a stack that is not there is no error. `retained` can be named after a failed deletion only."""
        with self._lock:
            try:
                stack = self.find(region, name)
            except StackNotFound:
                return
            if stack.deleted or stack.status == "DELETE_IN_PROGRESS":
                return
            self._check_deletable(stack, retained)
            stack.enter("DELETE_IN_PROGRESS", self._clock.now(), "User Initiated")
        self._run(stack, lambda: self._delete(stack, retained))

    def create_change_set(self, region: str, request: Request) -> tuple[Stack, ChangeSet]:
        """CreateChangeSet; what cannot be evaluated makes a FAILED change set, as on AWS."""
        kind = request.get("ChangeSetType", "UPDATE")
        with self._lock:
            stack = self._stack_for(region, request, kind)
            name = request["ChangeSetName"]
            if name in stack.change_sets:
                raise CfnError(f"ChangeSet {name} already exists")
            plan = self.planner.plan(region, request, stack.plan)
            arn = self._arn(region, f"changeSet/{name}/{uuid.uuid4()}")
            change_set = ChangeSet(
                arn, name, kind, plan, self._clock.now(), "CREATE_COMPLETE", "AVAILABLE",
                description=request.get("Description"), tags=request.get("Tags", []),
                capabilities=request.get("Capabilities", []), on_failure=request.get("OnStackFailure"),
            )  # fmt: skip
            self._fill_in(stack, change_set)
            stack.change_sets[name] = change_set
        return stack, change_set

    def find_change_set(self, region: str, name: str, stack_name: str | None) -> tuple[Stack, ChangeSet]:
        """A change set by ARN, or by name within a stack; raises ChangeSetNotFound."""
        stacks = [self.find(region, stack_name)] if stack_name else self.of_region(region)
        for stack in stacks:
            for change_set in stack.change_sets.values():
                if name in (change_set.id, change_set.name):
                    return stack, change_set
        raise ChangeSetNotFound(name)

    def execute_change_set(self, region: str, request: Request) -> None:
        """ExecuteChangeSet. The stack's other change sets are gone with it."""
        with self._lock:
            stack, change_set = self.find_change_set(region, request["ChangeSetName"], request.get("StackName"))
            if change_set.execution_status != "AVAILABLE":
                raise InvalidChangeSetStatus(change_set.id, change_set.status)
            creating = stack.status == "REVIEW_IN_PROGRESS"
            keeps = _true(request, "DisableRollback") or change_set.on_failure == DO_NOTHING
            if creating:
                stack.plan, stack.tags, stack.rolls_back = change_set.plan, change_set.tags, not keeps
                stack.enter("CREATE_IN_PROGRESS", self._clock.now(), "User Initiated")
            else:
                self._check_updatable(stack, keeps=keeps)
                self._begin_update(stack, {"Tags": change_set.tags}, keeps=keeps)
            change_set.execution_status = "EXECUTE_COMPLETE"
            stack.capabilities, stack.change_sets = change_set.capabilities, {}
        if creating:
            on_failure = DO_NOTHING if keeps else change_set.on_failure or ROLLBACK
            self._run(stack, lambda: self._engine.create(stack, on_failure))
        else:
            plan = change_set.plan
            self._run(stack, lambda: self._engine.update(stack, plan, stack.policy, rolls_back=not keeps))

    def _run(self, stack: Stack, operation: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                operation()
            except Exception as error:  # a thread's boundary: whoever waits for the stack must see an end
                log.exception("the operation on %s failed", stack.name)
                status = stack.status.replace("_IN_PROGRESS", "_FAILED")
                stack.enter(status, self._clock.now(), f"AWS on this machine failed: {error}")

        self._background(guarded)

    def _stack_for(self, region: str, request: Request, kind: str) -> Stack:
        name = request["StackName"]
        known = [each for each in self.of_region(region) if name in (each.name, each.id) and not each.deleted]
        if kind == "UPDATE":
            if not known:
                raise CfnError(f"Stack [{name}] does not exist")
            self._check_updatable(known[0])
            return known[0]
        if known and known[0].status != "REVIEW_IN_PROGRESS":
            raise CfnError(f"Stack [{name}] already exists and cannot be created again with the changeSet")
        if known:
            return known[0]
        return self._add(region, request, self.planner.plan(region, request, None), "REVIEW_IN_PROGRESS")

    def _fill_in(self, stack: Stack, change_set: ChangeSet) -> None:
        try:
            change_set.changes = preview(stack, change_set.plan, self.scopes, self._types)
        except CfnError as error:
            change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", str(error)
            return
        same = _same_outputs(stack.plan, change_set.plan) and (change_set.tags or stack.tags) == stack.tags
        if not change_set.changes and same:
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.reason = NOTHING_CHANGED

    def _add(self, region: str, request: Request, plan: Plan, status: str) -> Stack:
        name = request["StackName"]
        stack_id = self._arn(region, f"stack/{name}/{uuid.uuid4()}")
        tags, capabilities = request.get("Tags", []), request.get("Capabilities", [])
        stack = Stack(stack_id, name, region, self._clock.now(), plan, status, tags=tags, capabilities=capabilities)
        stack.role, stack.notified = request.get("RoleARN"), request.get("NotificationARNs", [])
        stack.enter(status, self._clock.now(), "User Initiated")
        self._stacks.append(stack)
        return stack

    def _begin_update(self, stack: Stack, request: Request, *, keeps: bool) -> None:
        stack.tags, stack.updated_at = request.get("Tags") or stack.tags, self._clock.now()
        stack.capabilities = request.get("Capabilities", stack.capabilities)
        stack.role, stack.rolls_back, stack.cancelled = request.get("RoleARN", stack.role), not keeps, False
        stack.enter("UPDATE_IN_PROGRESS", self._clock.now(), "User Initiated")

    def _delete(self, stack: Stack, retained: list[str]) -> None:
        for export in [output.export for output in stack.outputs if output.export]:
            if others := importers(export, stack, self.scopes):
                reason = f"Export {export} cannot be deleted as it is in use by {others[0].name}"
                stack.enter("DELETE_FAILED", self._clock.now(), reason)
                return
        self._engine.delete(stack, retained=retained)

    def _check_deletable(self, stack: Stack, retained: list[str]) -> None:
        if stack.protected:
            raise Protected(stack.name)
        if stack.status.endswith("IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
            raise WrongStackState(stack.id, stack.status, "deleted")
        if retained and stack.status != "DELETE_FAILED":
            raise CfnError("Invalid operation on stack [RetainResources can only be specified in DELETE_FAILED]")

    def _check_updatable(self, stack: Stack, *, keeps: bool = False) -> None:
        if stack.status not in UPDATABLE and not (keeps and stack.status in RETRIABLE):
            raise WrongStackState(stack.id, stack.status, "updated")

    def _arn(self, region: str, resource: str) -> str:
        return f"arn:{self._partition(region)}:cloudformation:{region}:{self._account}:{resource}"


def _broken_off(status: str) -> str:
    """A clean-up comes after the end; what it leaves is nobody's any more."""
    cleaning = "_CLEANUP_IN_PROGRESS"
    return status.removesuffix(cleaning) if status.endswith(cleaning) else status.replace("_IN_PROGRESS", "_FAILED")


def _on_failure(request: Request) -> str:
    if "OnFailure" in request and "DisableRollback" in request:
        raise CfnError("You cannot specify both DisableRollback and OnFailure")
    return DO_NOTHING if _true(request, "DisableRollback") else str(request.get("OnFailure", ROLLBACK))


def _same_outputs(old: Plan, new: Plan) -> bool:
    return bool(old.template["Outputs"] == new.template["Outputs"])


def _true(request: Request, member: str) -> bool:
    return str(request.get(member, False)).lower() == "true"
