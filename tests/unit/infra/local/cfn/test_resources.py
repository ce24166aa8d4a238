"""Resource types: properties become requests, ECS services are waited for, moto's types bend to our needs."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from infra.local.cfn.errors import ResourceFailed, TemplateError
from infra.local.cfn.resources.base import Made, Place, generated_name
from infra.local.cfn.resources.cloudwatch import AlarmType, CompositeAlarmType
from infra.local.cfn.resources.convert import request
from infra.local.cfn.resources.ecs import ClusterType, ServiceType, TaskDefinitionType
from infra.local.cfn.resources.registry import ResourceTypes
from infra.local.ecs.validation import operation_model

PLACE = Place("123456789012", "eu-north-1", "arn:stack", "demo")


class TestConversion:
    def convert(self, operation: str, **properties: Any) -> Any:
        shape = operation_model(operation).input_shape
        assert shape is not None
        return request(properties, shape)

    def test_names_lose_their_capital_and_values_take_the_apis_types(self) -> None:
        container = {
            "Name": "app",
            "Image": "app:1",
            "Essential": "true",
            "StopTimeout": "30",
            "PortMappings": [{"ContainerPort": "8080", "Protocol": "tcp"}],
            "Environment": [{"Name": "PORT", "Value": 8080}, {"Name": "ON", "Value": True}],
        }

        converted = self.convert("RegisterTaskDefinition", Family="demo", Cpu=256, ContainerDefinitions=[container])

        assert converted["cpu"] == "256"
        (shown,) = converted["containerDefinitions"]
        assert (shown["essential"], shown["stopTimeout"]) == (True, 30)
        assert shown["portMappings"] == [{"containerPort": 8080, "protocol": "tcp"}]
        assert shown["environment"] == [{"name": "PORT", "value": "8080"}, {"name": "ON", "value": "true"}]

    def test_the_keys_of_a_map_stay_as_they_are(self) -> None:
        options = {"LogDriver": "awslogs", "Options": {"awslogs-group": "g"}}
        container = {"Name": "a", "LogConfiguration": options}

        converted = self.convert("RegisterTaskDefinition", ContainerDefinitions=[container])

        assert converted["containerDefinitions"][0]["logConfiguration"] == {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "g"},
        }

    def test_a_property_that_the_api_does_not_have_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"unsupported property NetworkConfiguration\.Vpc"):
            self.convert("CreateService", NetworkConfiguration={"Vpc": "x"})

    @pytest.mark.parametrize(
        ("properties", "words"),
        [
            ({"DesiredCount": "many"}, "DesiredCount must be of type Integer"),
            ({"EnableExecuteCommand": "perhaps"}, "EnableExecuteCommand must be of type Boolean"),
        ],
    )
    def test_a_value_of_another_type_is_named(self, properties: dict[str, Any], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            self.convert("CreateService", **properties)


class FakeEcs:
    """Writes calls down. A deployment ends with `ending` once it is waited for."""

    def __init__(self, ending: str = "SUCCESSFUL") -> None:
        self.ending = ending
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.deployment = "arn:deployment/1"
        self.deployed = "IN_PROGRESS"
        self.status = "ACTIVE"

    def call(self, region: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, given))
        if operation == "DescribeServiceDeployments":
            return {"serviceDeployments": [{"status": self.deployed, "statusReason": "because"}]}
        if operation == "UpdateService" and "taskDefinition" in given:
            self.deployment, self.deployed = "arn:deployment/2", "IN_PROGRESS"
        if operation == "DeleteService":
            self.status = "INACTIVE"
        service = {
            "serviceArn": "arn:service",
            "clusterArn": "arn:cluster",
            "status": self.status,
            "currentServiceDeployment": self.deployment,
            "events": [{"message": "(service demo) deployment failed: no image"}],
        }
        return {
            "cluster": {"clusterArn": "arn:cluster"},
            "taskDefinition": {"taskDefinitionArn": "arn:definition:1"},
            "service": service,
            "services": [service],
        }

    def wait(self, region: str, done: Callable[[], bool]) -> None:
        self.deployed = self.ending
        assert done()

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls if not operation.startswith("Describe")]


def no_api(region: str, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    raise AssertionError(f"{service} {operation} is not to be called")


def suffix() -> str:
    return "abc123"


SERVICE = {
    "ServiceName": "demo",
    "Cluster": "demo",
    "TaskDefinition": "arn:definition:1",
    "DeploymentConfiguration": {"Strategy": "BLUE_GREEN"},
}


class TestEcsTypes:
    def test_a_cluster_without_a_name_gets_one(self) -> None:
        ecs = FakeEcs()

        made = ClusterType(ecs, suffix).create(PLACE, "Cluster", {})

        assert ecs.calls == [("CreateCluster", {"clusterName": "demo-Cluster-abc123"})]
        assert made == Made("demo-Cluster-abc123", "arn:cluster")
        assert ClusterType(ecs, suffix).attribute(made, "Arn") == "arn:cluster"

    def test_every_change_of_a_task_definition_is_a_replacement(self) -> None:
        kind = TaskDefinitionType(FakeEcs(), suffix)

        assert kind.replaces({"Cpu": "256"}, {"Cpu": "512"})
        assert kind.create(PLACE, "Task", {"ContainerDefinitions": []}).physical_id == "arn:definition:1"

    def test_a_service_is_made_once_its_deployment_has_succeeded(self) -> None:
        ecs = FakeEcs()

        made = ServiceType(ecs, suffix).create(PLACE, "Service", SERVICE)

        assert made.physical_id == "arn:service"
        assert ecs.calls[0][1]["deploymentConfiguration"] == {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 15}
        assert ServiceType(ecs, suffix).attribute(made, "Name") == "demo"

    def test_a_service_whose_deployment_fails_is_deleted_and_the_cause_told(self) -> None:
        ecs = FakeEcs("ROLLBACK_FAILED")

        with pytest.raises(ResourceFailed, match=r"ROLLBACK_FAILED': because .* deployment failed: no image"):
            ServiceType(ecs, suffix).create(PLACE, "Service", SERVICE)

        assert ecs.operations() == ["CreateService", "DeleteService"]

    def test_an_update_that_deploys_is_waited_for(self) -> None:
        ecs = FakeEcs("ROLLBACK_SUCCESSFUL")
        kind = ServiceType(ecs, suffix)
        made = Made("arn:service", {"cluster": "arn:cluster", "service": "demo"})

        with pytest.raises(ResourceFailed, match="ROLLBACK_SUCCESSFUL"):
            kind.update(PLACE, made, SERVICE, {**SERVICE, "TaskDefinition": "arn:definition:2"})

    def test_an_update_that_does_not_deploy_is_not_waited_for(self) -> None:
        ecs = FakeEcs("never")
        made = Made("arn:service", {"cluster": "arn:cluster", "service": "demo"})
        without = {name: value for name, value in SERVICE.items() if name != "TaskDefinition"}

        assert ServiceType(ecs, suffix).update(PLACE, made, SERVICE, {**without, "DesiredCount": 2}) == made
        assert ecs.operations() == ["UpdateService"]

    def test_another_name_or_cluster_needs_another_service(self) -> None:
        kind = ServiceType(FakeEcs(), suffix)

        assert kind.replaces(SERVICE, {**SERVICE, "Cluster": "other"})
        assert not kind.replaces(SERVICE, {**SERVICE, "TaskDefinition": "other"})

    def test_an_attribute_that_a_type_does_not_have_is_named(self) -> None:
        with pytest.raises(AttributeError, match="Colour"):
            ClusterType(FakeEcs(), suffix).attribute(Made("demo", "arn"), "Colour")


class FakeAlarms:
    """Writes calls down, and shows the alarm that was put last."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def call(self, region: str, operation: str, given: Any) -> dict[str, Any]:
        self.calls.append((operation, given))
        kind = "CompositeAlarms" if self.calls[0][0] == "PutCompositeAlarm" else "MetricAlarms"
        return {"MetricAlarms": [], "CompositeAlarms": [], kind: [{"AlarmArn": "arn:alarm"}]}


class TestAlarms:
    PROPERTIES: ClassVar[dict[str, Any]] = {
        "MetricName": "HTTPCode_Target_5XX_Count", "Namespace": "AWS/ApplicationELB", "Statistic": "Sum",
        "Period": "60", "EvaluationPeriods": 1, "Threshold": "0.5", "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip

    def test_an_alarm_is_put_with_the_apis_types_and_a_name_of_its_own(self) -> None:
        alarms = FakeAlarms()

        made = AlarmType(alarms, suffix).create(PLACE, "Errors", self.PROPERTIES)

        assert made == Made("demo-Errors-abc123", "arn:alarm")
        operation, given = alarms.calls[0]
        assert (operation, given["AlarmName"]) == ("PutMetricAlarm", "demo-Errors-abc123")
        assert (given["Period"], given["Threshold"]) == (60, 0.5)
        assert AlarmType(alarms, suffix).attribute(made, "Arn") == "arn:alarm"

    def test_a_composite_alarm_is_put_by_its_rule(self) -> None:
        alarms = FakeAlarms()

        CompositeAlarmType(alarms, suffix).create(PLACE, "Any", {"AlarmName": "any", "AlarmRule": "ALARM(x)"})

        assert alarms.calls[0] == ("PutCompositeAlarm", {"AlarmName": "any", "AlarmRule": "ALARM(x)"})

    def test_an_alarm_keeps_its_name_in_an_update_and_goes_by_it(self) -> None:
        alarms = FakeAlarms()
        kind, made = AlarmType(alarms, suffix), Made("high", "arn:alarm")

        kind.update(PLACE, made, self.PROPERTIES, {**self.PROPERTIES, "Threshold": 9})
        kind.delete(PLACE, made, self.PROPERTIES)

        assert alarms.calls[0][1]["AlarmName"] == "high"
        assert alarms.calls[-1] == ("DeleteAlarms", {"AlarmNames": ["high"]})
        assert kind.replaces({"AlarmName": "high"}, {"AlarmName": "low"})
        assert not kind.replaces(self.PROPERTIES, {**self.PROPERTIES, "Threshold": 9})

    def test_a_property_that_alarms_do_not_have_is_named(self) -> None:
        with pytest.raises(ValueError, match="unsupported property Colour"):
            AlarmType(FakeAlarms(), suffix).create(PLACE, "Errors", {**self.PROPERTIES, "Colour": "red"})


class TestRegistry:
    @pytest.fixture
    def types(self) -> ResourceTypes:
        from moto.elbv2.models import elbv2_backends

        backends = elbv2_backends[PLACE.account]
        return ResourceTypes(FakeEcs(), lambda region: backends[region], FakeAlarms(), no_api, suffix)

    @pytest.mark.parametrize("name", ["AWS::ECS::TaskSet", "AWS::None::Thing", "Custom::Thing", "AWS::EC2::Nothing"])
    def test_a_type_that_is_not_served_is_refused(self, types: ResourceTypes, name: str) -> None:
        with pytest.raises(TemplateError, match="Unrecognized resource types"):
            types.get(name)

    def test_moto_makes_what_we_do_not(self, types: ResourceTypes) -> None:
        made = types.get("AWS::EC2::VPC").create(PLACE, "Vpc", {"CidrBlock": "10.1.0.0/16"})

        assert made.physical_id.startswith("vpc-")
        types.get("AWS::EC2::VPC").delete(PLACE, made, {"CidrBlock": "10.1.0.0/16"})

    def test_a_security_groups_rules_change_in_place(self, types: ResourceTypes) -> None:
        vpc = types.get("AWS::EC2::VPC").create(PLACE, "Vpc", {"CidrBlock": "10.2.0.0/16"})

        def properties(cidr: str) -> dict[str, Any]:
            rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": cidr}
            return {"GroupDescription": "x", "VpcId": vpc.physical_id, "SecurityGroupIngress": [rule]}

        kind = types.get("AWS::EC2::SecurityGroup")
        made = kind.create(PLACE, "Group", properties("10.0.0.0/8"))
        assert not kind.replaces(properties("10.0.0.0/8"), properties("0.0.0.0/0"))

        changed = kind.update(PLACE, made, properties("10.0.0.0/8"), properties("0.0.0.0/0"))

        assert changed.physical_id == made.physical_id
        (rule,) = changed.handle.ingress_rules
        assert rule.ip_range == {"CidrIp": "0.0.0.0/0"}

    def test_what_moto_cannot_change_is_replaced_but_not_for_its_tags(self, types: ResourceTypes) -> None:
        kind = types.get("AWS::EC2::InternetGateway")

        assert kind.replaces({"X": 1}, {"X": 2})
        assert not kind.replaces({"Tags": []}, {"Tags": [{"Key": "a", "Value": "b"}]})

    def test_a_target_group_has_all_its_settings(self, types: ResourceTypes) -> None:
        vpc = types.get("AWS::EC2::VPC").create(PLACE, "Vpc", {"CidrBlock": "10.3.0.0/16"})
        properties = {
            "Port": 8080,
            "Protocol": "HTTP",
            "TargetType": "ip",
            "VpcId": vpc.physical_id,
            "HealthCheckEnabled": True,
            "HealthCheckPath": "/health",
            "HealthCheckIntervalSeconds": 5,
            "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": 7}],
        }
        kind = types.get("AWS::ElasticLoadBalancingV2::TargetGroup")

        made = kind.create(PLACE, "AVeryLongLogicalNameOfATargetGroup", properties)

        assert made.handle.health_check_path == "/health"
        assert made.handle.attributes["deregistration_delay.timeout_seconds"] == "7"
        assert len(made.handle.name) <= 32
        assert kind.attribute(made, "TargetGroupFullName").startswith("targetgroup/")
        assert kind.replaces(properties, {**properties, "Port": 1})
        kind.update(PLACE, made, properties, {**properties, "HealthCheckPath": "/other"})
        assert made.handle.health_check_path == "/other"
        kind.delete(PLACE, made, properties)
        kind.delete(PLACE, made, properties)


def test_a_generated_name_is_cut_to_its_limit() -> None:
    assert generated_name(PLACE, "X" * 50, "abc123", limit=20) == "demo-XXXXXXXX-abc123"
