"""What becomes of a stack whose creation, update or rollback fails, as the caller asked for it."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.cfn import errors

Thing = Callable[..., dict[str, Any]]
Template = Callable[..., str]


class TestCreation:
    def create(self, cloud: Any, body: str, **options: Any) -> None:
        cloud.call("CreateStack", StackName="demo", TemplateBody=body, **options)

    @pytest.mark.parametrize("options", [{"OnFailure": "DO_NOTHING"}, {"DisableRollback": True}])
    def test_what_was_made_can_be_kept(
        self, cloud: Any, thing: Thing, template: Template, options: dict[str, Any]
    ) -> None:
        self.create(cloud, template({"A": thing(), "B": thing(Fail="create")}), **options)

        assert cloud.status() == "CREATE_FAILED"
        assert cloud.log == ["create A-1"]
        assert cloud.described()["DisableRollback"] is True

    def test_a_stack_whose_failure_was_kept_can_be_rolled_back(
        self, cloud: Any, thing: Thing, template: Template
    ) -> None:
        self.create(cloud, template({"A": thing(), "B": thing(Fail="create")}), DisableRollback=True)

        cloud.call("RollbackStack", StackName="demo")

        assert cloud.status() == "ROLLBACK_COMPLETE"
        assert cloud.log == ["create A-1", "delete A-1"]

    def test_a_stack_whose_failure_was_kept_goes_on_with_another_template(
        self, cloud: Any, thing: Thing, template: Template
    ) -> None:
        self.create(cloud, template({"A": thing(), "B": thing(Fail="create")}), DisableRollback=True)

        body = template({"A": thing(), "B": thing()})
        cloud.call("UpdateStack", StackName="demo", TemplateBody=body, DisableRollback=True)

        assert cloud.status() == "UPDATE_COMPLETE"
        assert cloud.log == ["create A-1", "create B-2"]

    def test_the_whole_stack_can_go(self, cloud: Any, thing: Thing, template: Template) -> None:
        self.create(cloud, template({"A": thing(), "B": thing(Fail="create")}), OnFailure="DELETE")

        with pytest.raises(errors.StackNotFound):
            cloud.status()
        assert cloud.log == ["create A-1", "delete A-1"]

    def test_the_two_options_exclude_each_other(self, cloud: Any, thing: Thing, template: Template) -> None:
        with pytest.raises(errors.CfnError, match="both DisableRollback and OnFailure"):
            self.create(cloud, template({"A": thing()}), DisableRollback=True, OnFailure="DELETE")


class TestUpdate:
    def test_what_was_changed_can_be_kept_and_taken_back_later(
        self, cloud: Any, thing: Thing, template: Template
    ) -> None:
        cloud.create({"A": thing(X=1), "B": thing()})
        body = template({"A": thing(X=2), "B": thing(Fail="update")})
        cloud.call("UpdateStack", StackName="demo", TemplateBody=body, DisableRollback=True)
        assert cloud.status() == "UPDATE_FAILED"
        assert cloud.types.thing.alive["A-1"] == {"X": 2}

        cloud.call("RollbackStack", StackName="demo")

        assert cloud.status() == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.types.thing.alive["A-1"] == {"X": 1}
        assert cloud.call("GetTemplate", StackName="demo")["TemplateBody"] == template({"A": thing(X=1), "B": thing()})

    def test_after_a_kept_failure_only_an_update_that_keeps_failures_may_follow(
        self, cloud: Any, thing: Thing, template: Template
    ) -> None:
        cloud.create({"A": thing(X=1)})
        body = template({"A": thing(Fail="update")})
        cloud.call("UpdateStack", StackName="demo", TemplateBody=body, DisableRollback=True)

        with pytest.raises(errors.WrongStackState):
            cloud.update({"A": thing(X=3)})
        cloud.call("UpdateStack", StackName="demo", TemplateBody=template({"A": thing(X=3)}), DisableRollback=True)

        assert cloud.status() == "UPDATE_COMPLETE"

    def test_a_rollback_that_failed_is_continued(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(X=1, Fail="no"), "B": thing()})
        cloud.types.thing.undeletable.add("C-3")
        resources = {"A": thing(X=2, Fail="no"), "C": thing(), "B": thing(Fail="update")}
        assert cloud.update(resources) == "UPDATE_ROLLBACK_FAILED"
        assert cloud.described()["StackStatusReason"] == "The following resource(s) failed to update: [C]."
        cloud.types.thing.undeletable.clear()

        cloud.call("ContinueUpdateRollback", StackName="demo")

        assert cloud.status() == "UPDATE_ROLLBACK_COMPLETE"
        assert set(cloud.types.thing.alive) == {"A-1", "B-2"}
        assert cloud.types.thing.alive["A-1"]["X"] == 1

    def test_what_cannot_be_taken_back_can_be_skipped(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"B": thing()})
        cloud.types.thing.undeletable.add("C-2")
        cloud.update({"C": thing(), "B": thing(Fail="update")})

        cloud.call("ContinueUpdateRollback", StackName="demo", ResourcesToSkip=["C"])

        assert cloud.status() == "UPDATE_ROLLBACK_COMPLETE"
        assert "C-2" in cloud.types.thing.alive

    def test_only_a_failed_rollback_is_continued(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()})

        with pytest.raises(errors.WrongStackState, match="CREATE_COMPLETE"):
            cloud.call("ContinueUpdateRollback", StackName="demo")

    def test_an_update_can_be_cancelled(self, cloud: Any, thing: Thing, template: Template) -> None:
        cloud.create({"A": thing(X=1)})
        cloud.held = []
        cloud.call("UpdateStack", StackName="demo", TemplateBody=template({"A": thing(X=2)}))

        cloud.call("CancelUpdateStack", StackName="demo")
        cloud.held.pop()()

        assert cloud.status() == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.types.thing.alive["A-1"] == {"X": 1}

    def test_a_stack_at_rest_has_nothing_to_cancel(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()})

        with pytest.raises(errors.CfnError, match="CancelUpdateStack cannot be called from current stack status"):
            cloud.call("CancelUpdateStack", StackName="demo")

    @pytest.mark.parametrize(("output", "verb"), [({"Value": "other"}, "updated"), (None, "deleted")])
    def test_an_export_in_use_neither_changes_nor_goes(
        self, cloud: Any, thing: Thing, output: dict[str, Any] | None, verb: str
    ) -> None:
        named = {"Export": {"Name": "shared"}}
        cloud.create({"A": thing()}, Outputs={"O": {"Value": "one", **named}})
        cloud.create({"B": thing(X={"Fn::ImportValue": "shared"})}, name="two")

        outputs = {"Outputs": {"O": {**output, **named}}} if output else {}
        assert cloud.update({"A": thing(X=1)}, **outputs) == "UPDATE_ROLLBACK_COMPLETE"

        events = cloud.call("DescribeStackEvents", StackName="demo")["StackEvents"]
        reason = f"Export shared cannot be {verb} as it is in use by two"
        assert reason in [each["ResourceStatusReason"] for each in events]
        assert cloud.call("ListImports", ExportName="shared") == {"Imports": ["two"]}


class TestDeletion:
    def test_after_a_failure_what_is_in_the_way_can_be_retained(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(), "B": thing()})
        cloud.types.thing.undeletable.add("A-1")
        cloud.call("DeleteStack", StackName="demo")
        assert cloud.status() == "DELETE_FAILED"

        cloud.call("DeleteStack", StackName="demo", RetainResources=["A"])

        assert set(cloud.types.thing.alive) == {"A-1"}
        with pytest.raises(errors.StackNotFound):
            cloud.status()

    def test_retaining_needs_a_failure(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()})

        with pytest.raises(errors.CfnError, match="DELETE_FAILED"):
            cloud.call("DeleteStack", StackName="demo", RetainResources=["A"])

    def test_termination_protection_holds_until_it_is_off(self, cloud: Any, thing: Thing, template: Template) -> None:
        body = template({"A": thing()})
        cloud.call("CreateStack", StackName="demo", TemplateBody=body, EnableTerminationProtection=True)
        with pytest.raises(errors.Protected, match="cannot be deleted while TerminationProtection is enabled"):
            cloud.call("DeleteStack", StackName="demo")

        cloud.call("UpdateTerminationProtection", StackName="demo", EnableTerminationProtection=False)
        cloud.call("DeleteStack", StackName="demo")

        assert cloud.log == ["create A-1", "delete A-1"]

    def test_an_export_that_nobody_imports_says_so(self, cloud: Any) -> None:
        with pytest.raises(errors.NotImported, match=r"Export 'x' is not imported by any stack\."):
            cloud.call("ListImports", ExportName="x")


def test_a_resources_type_cannot_change(cloud: Any, thing: Thing) -> None:
    cloud.create({"A": thing()})

    with pytest.raises(errors.TemplateError, match=r"Update of resource type is not permitted.*\[A\]"):
        cloud.update({"A": {**thing(), "Type": "AWS::Test::Other"}})
