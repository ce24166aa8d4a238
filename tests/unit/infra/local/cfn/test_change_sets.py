"""Change sets: what they show, what they do, and when they cannot be made or executed."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.cfn import errors
from infra.local.cfn.resources.base import Made

Thing = Callable[..., dict[str, Any]]
Template = Callable[..., str]


class Changes:
    """Shorthand for the change set `change` of the stack `demo`."""

    def __init__(self, cloud: Any, template: Template) -> None:
        self.cloud, self.template = cloud, template

    def make(self, resources: dict[str, Any], kind: str = "CREATE", name: str = "change", **sections: Any) -> Any:
        self.cloud.call(
            "CreateChangeSet",
            StackName="demo",
            ChangeSetName=name,
            ChangeSetType=kind,
            TemplateBody=self.template(resources, **sections),
        )
        return self.shown(name)

    def shown(self, name: str = "change") -> dict[str, Any]:
        shown: dict[str, Any] = self.cloud.call("DescribeChangeSet", StackName="demo", ChangeSetName=name)
        return shown

    def execute(self) -> str:
        self.cloud.call("ExecuteChangeSet", StackName="demo", ChangeSetName="change")
        status: str = self.cloud.status()
        return status


@pytest.fixture
def changes(cloud: Any, template: Template) -> Changes:
    return Changes(cloud, template)


def brief(shown: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    entries = [each["ResourceChange"] for each in shown["Changes"]]
    return [(each["Action"], each["LogicalResourceId"], each["Replacement"]) for each in entries]


def test_a_stack_is_born_by_a_change_set(cloud: Any, changes: Changes, thing: Thing) -> None:
    shown = changes.make({"A": thing()})
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert brief(shown) == [("Add", "A", None)]
    assert cloud.status() == "REVIEW_IN_PROGRESS"
    assert cloud.log == []

    assert changes.execute() == "CREATE_COMPLETE"

    assert cloud.log == ["create A-1"]


def test_a_stack_under_review_takes_further_change_sets(changes: Changes, thing: Thing) -> None:
    changes.make({"A": thing()}, name="first")

    changes.make({"B": thing()})

    assert changes.execute() == "CREATE_COMPLETE"


def test_an_update_shows_what_is_added_changed_replaced_and_removed(cloud: Any, changes: Changes, thing: Thing) -> None:
    cloud.create({"A": thing(X=1), "B": thing(Fixed=1), "C": thing(X={"Ref": "B"}), "D": thing(), "E": thing()})

    resources = {"A": thing(X=2), "B": thing(Fixed=2), "C": thing(X={"Ref": "B"}), "D": thing(), "F": thing()}
    shown = changes.make(resources, "UPDATE")

    assert brief(shown) == [
        ("Modify", "A", "False"),
        ("Modify", "B", "True"),
        ("Modify", "C", "False"),
        ("Add", "F", None),
        ("Remove", "E", None),
    ]
    (detail,) = shown["Changes"][1]["ResourceChange"]["Details"]
    assert detail["Target"] == {"Attribute": "Properties", "Name": "Fixed", "RequiresRecreation": "Always"}
    assert changes.execute() == "UPDATE_COMPLETE"


def test_a_changed_parameter_shows_in_what_uses_it(
    cloud: Any, changes: Changes, thing: Thing, template: Template
) -> None:
    body = template({"A": thing(X={"Ref": "P"}), "B": thing()}, Parameters={"P": {"Type": "String", "Default": "a"}})
    cloud.call("CreateStack", StackName="demo", TemplateBody=body)

    parameters = [{"ParameterKey": "P", "ParameterValue": "b"}]
    cloud.call(
        "CreateChangeSet", StackName="demo", ChangeSetName="change", UsePreviousTemplate=True, Parameters=parameters
    )

    assert brief(changes.shown()) == [("Modify", "A", "False")]


def test_every_property_says_what_makes_it_change(
    cloud: Any, changes: Changes, thing: Thing, template: Template
) -> None:
    def body(fixed: int, direct: int) -> str:
        return template(
            {
                "Old": thing(Fixed=fixed),
                "User": thing(
                    ByParameter={"Fn::Sub": "is ${P}"},
                    ByRef={"Ref": "Old"},
                    ByAttribute={"Fn::GetAtt": ["Old", "Name"]},
                    Direct=direct,
                    Tags=[{"Key": "n", "Value": str(direct)}],
                ),
            },
            Parameters={"P": {"Type": "String", "Default": "a"}},
        )

    cloud.call("CreateStack", StackName="demo", TemplateBody=body(1, 1))
    cloud.call(
        "CreateChangeSet",
        StackName="demo",
        ChangeSetName="change",
        TemplateBody=body(2, 2),
        Parameters=[{"ParameterKey": "P", "ParameterValue": "b"}],
    )

    old, user = (each["ResourceChange"] for each in changes.shown()["Changes"])
    assert (old["Replacement"], old["PolicyAction"]) == ("True", "ReplaceAndDelete")
    assert (user["Replacement"], user["PolicyAction"], user["Scope"]) == ("False", None, ["Properties", "Tags"])
    causes = {each["Target"]["Name"]: (each["ChangeSource"], each["CausingEntity"]) for each in user["Details"]}
    assert causes == {
        "ByParameter": ("ParameterReference", "P"),
        "ByRef": ("ResourceReference", "Old"),
        "ByAttribute": ("ResourceAttribute", "Old.Name"),
        "Direct": ("DirectModification", None),
        None: ("DirectModification", None),
    }
    assert {each["Target"]["RequiresRecreation"] for each in user["Details"]} == {"Never"}


def test_a_change_set_says_what_becomes_of_what_is_removed(cloud: Any, changes: Changes, thing: Thing) -> None:
    cloud.create({"A": thing(), "B": {**thing(), "DeletionPolicy": "Retain"}, "C": thing()})

    shown = changes.make({"A": thing()}, "UPDATE")

    actions = [each["ResourceChange"] for each in shown["Changes"]]
    assert [(each["LogicalResourceId"], each["PolicyAction"]) for each in actions] == [("B", "Retain"), ("C", "Delete")]


def test_a_change_set_can_keep_what_a_failure_leaves(cloud: Any, thing: Thing, template: Template) -> None:
    body = template({"A": thing(), "B": thing(Fail="create")})
    cloud.call("CreateChangeSet", StackName="demo", ChangeSetName="change", ChangeSetType="CREATE", TemplateBody=body,
               OnStackFailure="DO_NOTHING")  # fmt: skip

    cloud.call("ExecuteChangeSet", StackName="demo", ChangeSetName="change")

    assert cloud.status() == "CREATE_FAILED"


def test_deleting_one_that_is_not_there_is_no_error(cloud: Any, thing: Thing) -> None:
    cloud.create({"A": thing()})

    assert cloud.call("DeleteChangeSet", StackName="demo", ChangeSetName="none") == {}


def test_a_condition_that_turns_false_shows_as_a_removal(cloud: Any, changes: Changes, thing: Thing) -> None:
    def conditions(wanted: str) -> dict[str, Any]:
        return {"Wanted": {"Fn::Equals": [wanted, "yes"]}}

    resources = {"A": thing(), "B": {**thing(), "Condition": "Wanted"}}
    cloud.create(resources, Conditions=conditions("yes"))

    shown = changes.make(resources, "UPDATE", Conditions=conditions("no"))

    assert brief(shown) == [("Remove", "B", None)]


def test_without_changes_it_fails_with_awss_words_and_cannot_be_executed(
    cloud: Any, changes: Changes, thing: Thing
) -> None:
    cloud.create({"A": thing()})

    shown = changes.make({"A": thing()}, "UPDATE")

    assert (shown["Status"], shown["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert shown["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(errors.InvalidChangeSetStatus):
        changes.execute()


def test_what_a_type_does_to_the_properties_it_is_given_is_not_seen_as_a_change(
    cloud: Any, changes: Changes, thing: Thing
) -> None:
    """moto adds defaults to the actions of a rule."""

    def meddling(place: Any, logical_id: str, properties: dict[str, Any]) -> Any:
        properties["Actions"][0]["Stickiness"] = False
        return Made("A-1")

    cloud.types.thing.create = meddling
    cloud.create({"A": thing(Actions=[{"Type": "forward"}])})

    assert changes.make({"A": thing(Actions=[{"Type": "forward"}])}, "UPDATE")["Status"] == "FAILED"


def test_a_change_of_outputs_only_is_a_change(cloud: Any, changes: Changes, thing: Thing) -> None:
    cloud.create({"A": thing()})

    shown = changes.make({"A": thing()}, "UPDATE", Outputs={"A": {"Value": {"Ref": "A"}}})

    assert shown["Status"] == "CREATE_COMPLETE"
    changes.execute()
    assert cloud.described()["Outputs"][0]["OutputValue"] == "A-1"


def test_what_cannot_be_evaluated_makes_it_fail(changes: Changes, thing: Thing) -> None:
    shown = changes.make({"A": thing(X={"Fn::ImportValue": "none"})})

    assert (shown["Status"], shown["StatusReason"]) == ("FAILED", "No export named none found.")


def test_an_update_needs_a_stack(changes: Changes, thing: Thing) -> None:
    with pytest.raises(errors.CfnError, match=r"Stack \[demo\] does not exist"):
        changes.make({"A": thing()}, "UPDATE")


def test_a_creation_needs_that_there_is_none(cloud: Any, changes: Changes, thing: Thing) -> None:
    cloud.create({"A": thing()})
    with pytest.raises(errors.CfnError, match="already exists and cannot be created again"):
        changes.make({"A": thing()})


def test_a_name_is_taken_once(changes: Changes, thing: Thing) -> None:
    changes.make({"A": thing()})
    with pytest.raises(errors.CfnError, match="ChangeSet change already exists"):
        changes.make({"A": thing()})


def test_it_is_found_by_its_arn_alone_listed_and_deleted(cloud: Any, changes: Changes, thing: Thing) -> None:
    arn = changes.make({"A": thing()})["ChangeSetId"]
    assert cloud.call("DescribeChangeSet", ChangeSetName=arn)["ChangeSetName"] == "change"
    assert cloud.call("ListChangeSets", StackName="demo")["Summaries"][0]["ChangeSetId"] == arn

    cloud.call("DeleteChangeSet", ChangeSetName=arn)

    with pytest.raises(errors.ChangeSetNotFound):
        changes.shown()


def test_executing_one_takes_the_others_away(cloud: Any, changes: Changes, thing: Thing) -> None:
    changes.make({"B": thing()}, name="other")
    changes.make({"A": thing()})

    changes.execute()

    assert cloud.call("ListChangeSets", StackName="demo")["Summaries"] == []


def test_a_deleted_stack_under_review_makes_nothing(cloud: Any, changes: Changes, thing: Thing) -> None:
    changes.make({"A": thing()})

    cloud.call("DeleteStack", StackName="demo")

    assert cloud.log == []
    with pytest.raises(errors.StackNotFound):
        cloud.status()
