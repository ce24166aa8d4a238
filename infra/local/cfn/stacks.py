"""The stacks of all regions, and their operations, each of which runs in a thread of its own."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from infra.local.cfn.changes import preview
from infra.local.cfn.engine import StackEngine
from infra.local.cfn.errors import (
    CfnError,
    ChangeSetNotFound,
    InsufficientCapabilities,
    InvalidChangeSetStatus,
    NoUpdates,
    StackExists,
    StackNotFound,
    WrongStackState,
)
from infra.local.cfn.imports import imported_names
from infra.local.cfn.parameters import chosen_values
from infra.local.cfn.scope import ScopeMaker, Types
from infra.local.cfn.stack import ChangeSet, Plan, Stack
from infra.local.cfn.template import parse_template
from infra.local.clock import Clock

NOTHING_CHANGED = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
NAMED_IAM = {"AWS::IAM::Role": "RoleName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName",
             "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}  # fmt: skip
IAM_TYPES = frozenset({*NAMED_IAM, "AWS::IAM::Policy", "AWS::IAM::InstanceProfile", "AWS::IAM::AccessKey"})
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
        self.scopes = ScopeMaker(account, types, self.of_region, partition)
        self._engine = StackEngine(account, types, self.scopes, clock, changed)

    def of_region(self, region: str) -> list[Stack]:
        """All stacks of a region, deleted ones too."""
        return [stack for stack in self._stacks if stack.region == region]

    def find(self, region: str, name: str) -> Stack:
        """A stack by name (not a deleted one) or id; raises StackNotFound."""
        for stack in reversed(self.of_region(region)):
            if stack.id == name or (stack.name == name and not stack.deleted):
                return stack
        raise StackNotFound(name)

    def create(self, region: str, request: Request) -> Stack:
        """CreateStack."""
        with self._lock:
            if any(each.name == request["StackName"] and not each.deleted for each in self.of_region(region)):
                raise StackExists(request["StackName"])
            plan = self._plan(None, request)
            stack = self._add(region, request, plan, "CREATE_IN_PROGRESS")
        self._run(stack, lambda: self._engine.create(stack))
        return stack

    def update(self, region: str, request: Request) -> Stack:
        """UpdateStack."""
        with self._lock:
            stack = self.find(region, request["StackName"])
            self._check_updatable(stack)
            plan = self._plan(stack, request)
            if not preview(stack, plan, self.scopes, self._types) and _same_outputs(stack.plan, plan):
                raise NoUpdates
            self._begin_update(stack, request.get("Tags"))
        self._run(stack, lambda: self._engine.update(stack, plan))
        return stack

    def delete(self, region: str, name: str) -> None:
        """DeleteStack; a stack that is not there is no error."""
        with self._lock:
            try:
                stack = self.find(region, name)
            except StackNotFound:
                return
            if stack.deleted or stack.status == "DELETE_IN_PROGRESS":
                return
            if stack.status.endswith("IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
                raise WrongStackState(stack.id, stack.status, "deleted")
            stack.enter("DELETE_IN_PROGRESS", self._clock.now(), "User Initiated")
        self._run(stack, lambda: self._delete(stack))

    def create_change_set(self, region: str, request: Request) -> tuple[Stack, ChangeSet]:
        """CreateChangeSet; what cannot be evaluated makes a FAILED change set, as on AWS."""
        kind = request.get("ChangeSetType", "UPDATE")
        with self._lock:
            stack = self._stack_for(region, request, kind)
            name = request["ChangeSetName"]
            if name in stack.change_sets:
                raise CfnError(f"ChangeSet {name} already exists")
            plan = self._plan(stack, request)
            arn = self._arn(region, f"changeSet/{name}/{uuid.uuid4()}")
            change_set = ChangeSet(
                arn, name, kind, plan, self._clock.now(), "CREATE_COMPLETE", "AVAILABLE",
                description=request.get("Description"), tags=request.get("Tags", []),
                capabilities=request.get("Capabilities", []),
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

    def execute_change_set(self, region: str, name: str, stack_name: str | None) -> None:
        """ExecuteChangeSet. The stack's other change sets are gone with it."""
        with self._lock:
            stack, change_set = self.find_change_set(region, name, stack_name)
            if change_set.execution_status != "AVAILABLE":
                raise InvalidChangeSetStatus(change_set.id, change_set.status)
            change_set.execution_status = "EXECUTE_COMPLETE"
            stack.capabilities = change_set.capabilities
            if stack.status == "REVIEW_IN_PROGRESS":
                stack.plan, stack.tags = change_set.plan, change_set.tags
                stack.enter("CREATE_IN_PROGRESS", self._clock.now(), "User Initiated")
            else:
                self._check_updatable(stack)
                self._begin_update(stack, change_set.tags)
        if stack.status == "CREATE_IN_PROGRESS":
            self._run(stack, lambda: self._engine.create(stack))
        else:
            self._run(stack, lambda: self._engine.update(stack, change_set.plan))
        stack.change_sets = {}

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
        return known[0] if known else self._add(region, request, self._plan(None, request), "REVIEW_IN_PROGRESS")

    def _fill_in(self, stack: Stack, change_set: ChangeSet) -> None:
        try:
            change_set.changes = preview(stack, change_set.plan, self.scopes, self._types)
        except CfnError as error:
            change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", str(error)
            return
        if not change_set.changes and (_same_outputs(stack.plan, change_set.plan)):
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.reason = NOTHING_CHANGED

    def _add(self, region: str, request: Request, plan: Plan, status: str) -> Stack:
        name = request["StackName"]
        stack_id = self._arn(region, f"stack/{name}/{uuid.uuid4()}")
        tags, capabilities = request.get("Tags", []), request.get("Capabilities", [])
        stack = Stack(stack_id, name, region, self._clock.now(), plan, status, tags=tags, capabilities=capabilities)
        stack.enter(status, self._clock.now(), "User Initiated")
        self._stacks.append(stack)
        return stack

    def _begin_update(self, stack: Stack, tags: list[dict[str, str]] | None) -> None:
        stack.tags, stack.updated_at = tags or stack.tags, self._clock.now()
        stack.enter("UPDATE_IN_PROGRESS", self._clock.now(), "User Initiated")

    def _delete(self, stack: Stack) -> None:
        importers = self._importers(stack)
        if importers:
            export, other = importers[0]
            reason = f"Export {export} cannot be deleted as it is in use by {other}"
            stack.enter("DELETE_FAILED", self._clock.now(), reason)
        else:
            self._engine.delete(stack)

    def _importers(self, stack: Stack) -> list[tuple[str, str]]:
        exports = {output.export for output in stack.outputs if output.export}
        found = []
        for other in self.of_region(stack.region):
            if other is not stack and not other.deleted:
                found += [(name, other.name) for name in exports if name in imported_names(other, self.scopes)]
        return found

    def _plan(self, stack: Stack | None, request: Request) -> Plan:
        if "TemplateURL" in request:
            raise CfnError("AWS on this machine takes templates as TemplateBody only, not by TemplateURL.")
        previous = stack.plan if stack is not None else None
        text = previous.text if previous and request.get("UsePreviousTemplate") else request.get("TemplateBody")
        if not text:
            raise CfnError("Either Template URL or Template Body must be specified.")
        template = parse_template(text)
        self._check_types(template, request.get("Capabilities", []))
        values = chosen_values(template, request.get("Parameters", []), previous.parameters if previous else {})
        return Plan(template, text, values)

    def _check_types(self, template: dict[str, Any], capabilities: Iterable[str]) -> None:
        for resource in template["Resources"].values():
            self._types.get(resource["Type"])
        made = [each for each in template["Resources"].values() if each["Type"] in IAM_TYPES]
        named = any(NAMED_IAM.get(each["Type"]) in each["Properties"] for each in made)
        needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
        if made and needed not in capabilities and "CAPABILITY_NAMED_IAM" not in capabilities:
            raise InsufficientCapabilities(needed)

    def _check_updatable(self, stack: Stack) -> None:
        if stack.status not in UPDATABLE:
            raise WrongStackState(stack.id, stack.status, "updated")

    def _arn(self, region: str, resource: str) -> str:
        return f"arn:{self._partition(region)}:cloudformation:{region}:{self._account}:{resource}"


def _same_outputs(old: Plan, new: Plan) -> bool:
    return bool(old.template["Outputs"] == new.template["Outputs"])
