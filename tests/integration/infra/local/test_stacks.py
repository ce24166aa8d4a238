"""Stacks of moto's and our own types as boto3 sees them: its waiters agree, and every resource goes with its stack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

pytestmark = pytest.mark.docker
NAME = "kinds"
QUICK = {"Delay": 1, "MaxAttempts": 30}
DECLARED = {
    "Threshold": {"Type": "Number", "Default": 5},
    "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/kinds/image"},
}
ALARM = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "Namespace": "AWS/ApplicationELB", "MetricName": "HTTPCode_Target_5XX_Count", "Statistic": "Sum",
        "Period": "60", "EvaluationPeriods": 1, "Threshold": {"Ref": "Threshold"},
        "ComparisonOperator": "GreaterThanThreshold",
        "Dimensions": [{"Name": "LoadBalancer", "Value": "app/x/1"}],
    },
}  # fmt: skip
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RESOURCES: dict[str, Any] = {
    "Alarm": ALARM,
    "Secret": {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Name": "kinds/db",
            "GenerateSecretString": {
                "SecretStringTemplate": '{"user": "app"}', "GenerateStringKey": "password", "PasswordLength": 20,
            },
        },
    },
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    "Policy": {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": POLICY, "Roles": [{"Ref": "Role"}]},
    },
    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/kinds/app"}},
    "Errors": {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": "Logs"}, "FilterPattern": "ERROR",
            "MetricTransformations": [{"MetricName": "Errors", "MetricNamespace": "Kinds", "MetricValue": "1"}],
        },
    },
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "kinds"}},
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "kinds"}},
    "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
    "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "kinds-bucket"}},
    "Parameter": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {
            "Name": "/kinds/copy", "Type": "String",
            "Value": {"Fn::Sub": "${Image} {{resolve:secretsmanager:kinds/db:SecretString:user}}"},
        },
        "DependsOn": "Secret",
    },
}  # fmt: skip


def body(**changes: Any) -> str:
    outputs = {"Alarm": {"Value": {"Fn::GetAtt": ["Alarm", "Arn"]}}}
    return json.dumps({"Parameters": DECLARED, "Resources": {**RESOURCES, **changes}, "Outputs": outputs})


@pytest.fixture
def cloudformation(instance: Any) -> Iterator[Any]:
    instance.client("ssm").put_parameter(Name="/kinds/image", Value="one:1", Type="String")
    yield instance.client("cloudformation")
    instance.client("ssm").delete_parameter(Name="/kinds/image")


def everything(instance: Any) -> set[str]:
    """What of the kinds in RESOURCES the account holds, whoever made it."""
    listed = {
        "cloudwatch": instance.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "ec2": instance.client("ec2").describe_addresses()["Addresses"],
        "sqs": instance.client("sqs").list_queues().get("QueueUrls", []),
        "sns": instance.client("sns").list_topics()["Topics"],
        "iam": [
            *instance.client("iam").list_policies(Scope="Local")["Policies"],
            *instance.client("iam").list_roles()["Roles"],
        ],
        "secretsmanager": instance.client("secretsmanager").list_secrets()["SecretList"],
        "logs": instance.client("logs").describe_log_groups()["logGroups"],
        "s3": instance.client("s3").list_buckets()["Buckets"],
    }
    names = ("AlarmArn", "AllocationId", "TopicArn", "Arn", "ARN", "logGroupName", "Name")
    return {
        f"{service} {row if isinstance(row, str) else next(row[name] for name in names if name in row)}"
        for service, rows in listed.items()
        for row in rows
    }


def the_alarm(instance: Any, stack: Any) -> Any:
    """The alarm whose ARN the stack gives out."""
    alarms = instance.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return next(alarm for alarm in alarms if alarm["AlarmArn"] == stack["Outputs"][0]["OutputValue"])


def test_every_kind_of_resource_comes_changes_and_goes_with_its_stack(instance: Any, cloudformation: Any) -> None:
    before = everything(instance)
    acknowledged = {"Capabilities": ["CAPABILITY_IAM"]}
    cloudformation.create_stack(StackName=NAME, TemplateBody=body(), **acknowledged)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig=QUICK)
    (stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    alarm = the_alarm(instance, stack)
    secret = json.loads(instance.client("secretsmanager").get_secret_value(SecretId="kinds/db")["SecretString"])
    assert (alarm["Threshold"], alarm["Period"]) == (5.0, 60)
    assert (secret["user"], len(secret["password"])) == ("app", 20)
    assert instance.client("ssm").get_parameter(Name="/kinds/copy")["Parameter"]["Value"] == "one:1 app"

    threshold = {"ParameterKey": "Threshold", "ParameterValue": "9"}
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        cloudformation.update_stack(StackName=NAME, UsePreviousTemplate=True, **acknowledged)
    cloudformation.update_stack(StackName=NAME, UsePreviousTemplate=True, Parameters=[threshold], **acknowledged)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=NAME, WaiterConfig=QUICK)
    assert the_alarm(instance, stack)["Threshold"] == 9.0

    broken = body(Second={"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "kinds-bucket"}})
    cloudformation.update_stack(StackName=NAME, TemplateBody=broken, **acknowledged)
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_update_complete").wait(StackName=NAME, WaiterConfig=QUICK)
    assert instance.stack_status(NAME) == "UPDATE_ROLLBACK_COMPLETE"

    cloudformation.delete_stack(StackName=NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig=QUICK)
    assert everything(instance) == before


def test_a_template_can_lie_in_s3(instance: Any, cloudformation: Any) -> None:
    s3 = instance.client("s3")
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    queue = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "by-url"}}}}
    s3.put_object(Bucket="templates", Key="a/queue.json", Body=json.dumps(queue))

    url = "https://templates.s3.eu-north-1.amazonaws.com/a/queue.json"
    cloudformation.create_stack(StackName="by-url", TemplateURL=url)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="by-url", WaiterConfig=QUICK)

    cloudformation.delete_stack(StackName="by-url")
    with pytest.raises(ClientError, match="S3 error"):
        cloudformation.create_stack(StackName="by-url", TemplateURL=f"{url}.none")
