"""Stacks: created, updated, rolled back and deleted, with the statuses, events and errors of CloudFormation."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.cfn import errors

Thing = Callable[..., dict[str, Any]]
Template = Callable[..., str]


class TestCreate:
    def test_resources_come_in_order_and_the_stack_is_complete(self, cloud: Any, thing: Thing) -> None:
        assert cloud.create({"B": thing(X={"Ref": "A"}), "A": thing()}) == "CREATE_COMPLETE"

        assert cloud.log == ["create A-1", "create B-2"]
        assert cloud.types.thing.alive["B-2"] == {"X": "A-1"}
        assert cloud.events() == [
            ("demo", "CREATE_IN_PROGRESS"),
            ("A", "CREATE_IN_PROGRESS"),
            ("A", "CREATE_COMPLETE"),
            ("B", "CREATE_IN_PROGRESS"),
            ("B", "CREATE_COMPLETE"),
            ("demo", "CREATE_COMPLETE"),
        ]

    def test_while_it_is_created_it_says_so(self, cloud: Any, thing: Thing) -> None:
        cloud.held = []

        assert cloud.create({"A": thing()}) == "CREATE_IN_PROGRESS"
        cloud.held.pop()()

        assert cloud.status() == "CREATE_COMPLETE"

    def test_a_failure_takes_back_what_was_made_newest_first(self, cloud: Any, thing: Thing) -> None:
        resources = {"A": thing(), "B": thing(X={"Ref": "A"}), "C": thing(X={"Ref": "B"}, Fail="create")}

        assert cloud.create(resources) == "ROLLBACK_COMPLETE"

        assert cloud.log == ["create A-1", "create B-2", "delete B-2", "delete A-1"]
        assert ("C", "CREATE_FAILED") in cloud.events()
        events = cloud.call("DescribeStackEvents", StackName="demo")["StackEvents"]
        reasons = [each["ResourceStatusReason"] or "" for each in events]
        assert "The following resource(s) failed to create: [C]. Rollback requested by user." in reasons
        assert "no create today" in reasons

    def test_what_cannot_be_taken_back_fails_the_rollback(self, cloud: Any, thing: Thing) -> None:
        cloud.types.thing.undeletable.add("A-1")

        assert cloud.create({"A": thing(), "B": thing(X={"Ref": "A"}, Fail="create")}) == "ROLLBACK_FAILED"

        assert "[A]" in cloud.described()["StackStatusReason"]

    def test_a_resource_whose_condition_is_false_is_left_out(self, cloud: Any, thing: Thing) -> None:
        never = {"Never": {"Fn::Equals": ["a", "b"]}}

        cloud.create({"A": thing(), "B": {**thing(), "Condition": "Never"}}, Conditions=never)

        assert cloud.log == ["create A-1"]

    def test_outputs_are_evaluated_and_exported(self, cloud: Any, thing: Thing) -> None:
        export = {"Name": {"Fn::Sub": "${AWS::StackName}-x"}}
        outputs = {"Name": {"Value": {"Fn::GetAtt": ["A", "Name"]}, "Export": export}}

        cloud.create({"A": thing()}, Outputs=outputs)

        (shown,) = cloud.described()["Outputs"]
        assert (shown["OutputKey"], shown["OutputValue"], shown["ExportName"]) == ("Name", "name of A-1", "demo-x")
        assert cloud.call("ListExports")["Exports"][0]["Value"] == "name of A-1"

    def test_another_stack_can_import_an_export(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()}, Outputs={"A": {"Value": {"Ref": "A"}, "Export": {"Name": "shared"}}})

        assert cloud.create({"B": thing(X={"Fn::ImportValue": "shared"})}, name="two") == "CREATE_COMPLETE"

        assert cloud.types.thing.alive["B-2"] == {"X": "A-1"}

    def test_an_export_name_is_taken_once(self, cloud: Any, thing: Thing) -> None:
        outputs = {"A": {"Value": "x", "Export": {"Name": "shared"}}}
        cloud.create({"A": thing()}, Outputs=outputs)

        assert cloud.create({"B": thing()}, name="two", Outputs=outputs) == "ROLLBACK_COMPLETE"

    def test_an_attribute_that_a_resource_does_not_have_fails_the_stack(self, cloud: Any, thing: Thing) -> None:
        status = cloud.create({"A": thing(), "B": thing(X={"Fn::GetAtt": ["A", "Colour"]})})

        assert status == "ROLLBACK_COMPLETE"

    def test_an_unknown_resource_type_is_refused_at_once(self, cloud: Any) -> None:
        with pytest.raises(errors.TemplateError, match=r"Unrecognized resource types: \[AWS::Other::Thing\]"):
            cloud.create({"A": {"Type": "AWS::Other::Thing"}})
        assert cloud.call("ListStacks")["StackSummaries"] == []

    def test_a_name_is_taken_once(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()})
        with pytest.raises(errors.StackExists):
            cloud.create({"A": thing()})

    def test_iam_resources_need_to_be_acknowledged(self, cloud: Any, template: Template) -> None:
        body = template({"Role": {"Type": "AWS::IAM::Role"}})
        with pytest.raises(errors.InsufficientCapabilities, match=r"\[CAPABILITY_IAM\]"):
            cloud.call("CreateStack", StackName="demo", TemplateBody=body)

        cloud.call("CreateStack", StackName="demo", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        assert cloud.status() == "CREATE_COMPLETE"

    def test_named_iam_resources_need_the_stronger_word(self, cloud: Any, template: Template) -> None:
        body = template({"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x"}}})
        with pytest.raises(errors.InsufficientCapabilities, match="CAPABILITY_NAMED_IAM"):
            cloud.call("CreateStack", StackName="demo", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])

    def test_a_template_comes_as_text_or_from_s3(self, cloud: Any, thing: Thing, template: Template) -> None:
        with pytest.raises(errors.CfnError, match="must be specified"):
            cloud.call("CreateStack", StackName="demo")
        cloud.lookups.templates["https://bucket.s3.amazonaws.com/key"] = template({"A": thing()})

        cloud.call("CreateStack", StackName="demo", TemplateURL="https://bucket.s3.amazonaws.com/key")

        assert cloud.log == ["create A-1"]

    def test_an_unforeseen_failure_still_ends_the_operation(self, cloud: Any, thing: Thing) -> None:
        def refuse(stack: Any, on_failure: str) -> None:
            raise RuntimeError("a bug")

        cloud.stacks._engine.create = refuse

        assert cloud.create({"A": thing()}) == "CREATE_FAILED"
        assert "a bug" in cloud.described()["StackStatusReason"]


class TestUpdate:
    def test_only_what_differs_is_updated(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(X=1), "B": thing(X=1)})

        assert cloud.update({"A": thing(X=2), "B": thing(X=1)}) == "UPDATE_COMPLETE"

        assert cloud.log[2:] == ["update A-1"]

    def test_a_changed_parameter_reaches_what_uses_it_by_sub(
        self, cloud: Any, thing: Thing, template: Template
    ) -> None:
        body = template({"A": thing(X={"Fn::Sub": "${P}!"})}, Parameters={"P": {"Type": "String", "Default": "a"}})
        cloud.call("CreateStack", StackName="demo", TemplateBody=body)

        parameters = [{"ParameterKey": "P", "ParameterValue": "b"}]
        cloud.call("UpdateStack", StackName="demo", UsePreviousTemplate=True, Parameters=parameters)

        assert cloud.types.thing.alive["A-1"] == {"X": "b!"}

    def test_nothing_to_do_is_an_error(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(X=1)})
        with pytest.raises(errors.NoUpdates, match="No updates are to be performed"):
            cloud.update({"A": thing(X=1)})

    def test_a_replacement_reaches_what_refers_to_it_and_goes_last(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(Fixed=1), "B": thing(X={"Ref": "A"})})

        cloud.update({"A": thing(Fixed=2), "B": thing(X={"Ref": "A"})})

        assert cloud.log[2:] == ["create A-3", "update B-2", "delete A-1"]
        assert cloud.types.thing.alive["B-2"] == {"X": "A-3"}

    def test_a_replaced_resource_is_retained_where_the_template_says_so(self, cloud: Any, thing: Thing) -> None:
        retained = {"UpdateReplacePolicy": "Retain"}
        cloud.create({"A": {**thing(Fixed=1), **retained}})

        cloud.update({"A": {**thing(Fixed=2), **retained}})

        assert set(cloud.types.thing.alive) == {"A-1", "A-2"}

    def test_resources_are_added_and_removed(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(), "B": thing()})

        cloud.update({"A": thing(), "C": thing()})

        assert cloud.log[2:] == ["create C-3", "delete B-2"]

    def test_a_failure_takes_back_every_step(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(X=1), "B": thing(Fixed=1), "D": thing(X=1)})
        cloud.log.clear()

        status = cloud.update(
            {
                "A": thing(X=2),
                "B": thing(Fixed=2),
                "C": thing(X={"Ref": "A"}),
                "D": thing(X={"Ref": "C"}, Fail="update"),
            }
        )

        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.log[-3:] == ["delete C-5", "delete B-4", "update A-1"]
        assert cloud.types.thing.alive == {"A-1": {"X": 1}, "B-2": {"Fixed": 1}, "D-3": {"X": 1}}

    def test_after_a_rollback_it_can_be_updated_again(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(X=1)})
        cloud.update({"A": thing(X=2, Fail="update")})

        assert cloud.update({"A": thing(X=3)}) == "UPDATE_COMPLETE"

    def test_a_rollback_that_fails_says_so(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(X=1)})
        cloud.types.thing.undeletable.add("B-2")

        assert cloud.update({"A": thing(X=1), "B": thing(), "C": thing(X={"Ref": "B"}, Fail="create")}) == (
            "UPDATE_ROLLBACK_FAILED"
        )

    def test_what_rolled_back_at_birth_cannot_be_updated(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(Fail="create")})
        with pytest.raises(errors.WrongStackState, match="ROLLBACK_COMPLETE state and can not be updated"):
            cloud.update({"A": thing()})

    def test_a_stack_that_is_not_there_cannot_be_updated(self, cloud: Any, thing: Thing) -> None:
        with pytest.raises(errors.StackNotFound, match="Stack with id demo does not exist"):
            cloud.update({"A": thing()})


class TestDelete:
    def test_resources_go_in_reverse_and_the_stack_is_found_by_its_id_only(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(), "B": thing(X={"Ref": "A"})})
        stack_id = cloud.described()["StackId"]

        cloud.call("DeleteStack", StackName="demo")

        assert cloud.log[2:] == ["delete B-2", "delete A-1"]
        assert cloud.status(stack_id) == "DELETE_COMPLETE"
        with pytest.raises(errors.StackNotFound):
            cloud.status()

    @pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
    def test_what_is_retained_stays(self, cloud: Any, thing: Thing, policy: str) -> None:
        cloud.create({"A": {**thing(), "DeletionPolicy": policy}})

        cloud.call("DeleteStack", StackName="demo")

        assert set(cloud.types.thing.alive) == {"A-1"}

    def test_retain_except_on_create_goes_with_a_creation_that_fails(self, cloud: Any, thing: Thing) -> None:
        kept = {**thing(), "DeletionPolicy": "RetainExceptOnCreate"}
        cloud.create({"A": kept, "B": thing(X={"Ref": "A"}, Fail="create")})
        assert cloud.types.thing.alive == {}

    def test_a_failure_leaves_the_stack_and_a_second_try_can_work(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()})
        cloud.types.thing.undeletable.add("A-1")
        cloud.call("DeleteStack", StackName="demo")
        assert cloud.status() == "DELETE_FAILED"

        cloud.types.thing.undeletable.clear()
        cloud.call("DeleteStack", StackName="demo")

        assert cloud.types.thing.alive == {}

    def test_an_export_in_use_holds_its_stack(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()}, Outputs={"A": {"Value": "x", "Export": {"Name": "shared"}}})
        cloud.create({"B": thing(X={"Fn::ImportValue": "shared"})}, name="two")

        cloud.call("DeleteStack", StackName="demo")
        assert cloud.status() == "DELETE_FAILED"
        assert cloud.described()["StackStatusReason"] == "Export shared cannot be deleted as it is in use by two"

        cloud.call("DeleteStack", StackName="two")
        cloud.call("DeleteStack", StackName="demo")
        assert cloud.types.thing.alive == {}

    def test_what_is_not_there_is_deleted_already(self, cloud: Any) -> None:
        assert cloud.call("DeleteStack", StackName="demo") == {}

    def test_a_stack_in_the_middle_of_something_cannot_be_deleted(self, cloud: Any, thing: Thing) -> None:
        cloud.held = []
        cloud.create({"A": thing()})
        with pytest.raises(errors.WrongStackState):
            cloud.call("DeleteStack", StackName="demo")


class TestReading:
    def test_resources_are_listed_with_their_physical_ids(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing(), "B": thing()})

        (only,) = cloud.call("DescribeStackResources", StackName="demo", LogicalResourceId="B")["StackResources"]
        listed = cloud.call("ListStackResources", StackName="demo")["StackResourceSummaries"]
        detail = cloud.call("DescribeStackResource", StackName="demo", LogicalResourceId="A")["StackResourceDetail"]

        assert (only["PhysicalResourceId"], only["ResourceStatus"]) == ("B-2", "CREATE_COMPLETE")
        assert [each["LogicalResourceId"] for each in listed] == ["A", "B"]
        assert detail["PhysicalResourceId"] == "A-1"

    def test_a_resource_that_is_not_there_is_an_error(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()})
        with pytest.raises(errors.CfnError, match="Resource X does not exist for stack demo"):
            cloud.call("DescribeStackResource", StackName="demo", LogicalResourceId="X")

    def test_the_template_is_given_back_as_it_came(self, cloud: Any, thing: Thing, template: Template) -> None:
        body = template({"A": thing()})
        cloud.call("CreateStack", StackName="demo", TemplateBody=body)
        assert cloud.call("GetTemplate", StackName="demo")["TemplateBody"] == body

    def test_stacks_are_listed_by_status_deleted_ones_too(self, cloud: Any, thing: Thing) -> None:
        cloud.create({"A": thing()})
        cloud.create({"A": thing()}, name="two")
        cloud.call("DeleteStack", StackName="two")

        def names(*statuses: str) -> list[str]:
            given = {"StackStatusFilter": list(statuses)} if statuses else {}
            return [each["StackName"] for each in cloud.call("ListStacks", **given)["StackSummaries"]]

        assert names() == ["two", "demo"]
        assert names("DELETE_COMPLETE") == ["two"]
        assert [each["StackName"] for each in cloud.call("DescribeStacks")["Stacks"]] == ["demo"]

    def test_an_operation_that_is_not_served_is_named(self, cloud: Any) -> None:
        with pytest.raises(errors.NotServed, match="the operation CreateStackSet of CloudFormation"):
            cloud.call("CreateStackSet", StackSetName="x")
