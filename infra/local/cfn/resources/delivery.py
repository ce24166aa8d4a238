"""AWS::CodeBuild::Project, AWS::CodePipeline::Pipeline and the policies of buckets and topics, by their services' APIs.

moto 5.2.5 keeps projects and pipelines as they are given, cannot change a project, and wants a location where CodeBuild
takes none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.cfn.resources.api import ApiCall, Shape
from infra.local.cfn.resources.base import Made, Place, Properties, ResourceType, differs, generated_name
from infra.local.cfn.resources.convert import request

Request = tuple[str, str, dict[str, Any]]  # service, operation, input
WHERE_THE_PIPELINE_SAYS = {"CODEPIPELINE": "codepipeline"}


class ProjectType:
    """AWS::CodeBuild::Project; `Ref` is its name."""

    def __init__(self, call: ApiCall, shape: Shape, suffix: Callable[[], str]) -> None:
        self._call, self._shape, self._suffix = call, shape, suffix

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it, under the given name or a generated one."""
        name = str(properties.get("Name") or generated_name(place, logical_id, self._suffix()))
        return self._put(place, name, properties)

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Only under another name."""
        return differs(old, new, frozenset({"Name"}))

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Make it anew: moto would not keep all of a change."""
        self.delete(place, made, old)
        return self._put(place, made.physical_id, new)

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it."""
        self._call(place.region, "codebuild", "DeleteProject", {"name": made.physical_id})

    def attribute(self, made: Made, name: str) -> Any:
        """`Arn`."""
        if name != "Arn":
            raise AttributeError(name)
        return made.handle

    def _put(self, place: Place, name: str, properties: Properties) -> Made:
        given = {key: value for key, value in properties.items() if key != "Name"}
        converted = request(_renamed(given), self._shape("codebuild", "CreateProject"))
        for part in ("source", "artifacts"):
            location = WHERE_THE_PIPELINE_SAYS.get(converted[part]["type"])
            converted[part] |= {"location": location} if location else {}
        answer = self._call(place.region, "codebuild", "CreateProject", {**converted, "name": name})
        return Made(name, answer["project"]["arn"])


def _renamed(properties: Properties) -> dict[str, Any]:
    """The properties under the API's names, where those differ in more than the first letter."""
    source = dict(properties.get("Source", {}))
    source |= {"Buildspec": source.pop("BuildSpec")} if "BuildSpec" in source else {}
    return {**properties, "Source": source}


class PipelineType:
    """AWS::CodePipeline::Pipeline; `Ref` is its name."""

    def __init__(self, call: ApiCall, shape: Shape, suffix: Callable[[], str]) -> None:
        self._call, self._shape, self._suffix = call, shape, suffix

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it, under the given name or a generated one."""
        name = str(properties.get("Name") or generated_name(place, logical_id, self._suffix()))
        return self._put(place, name, properties, "CreatePipeline")

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Only under another name."""
        return differs(old, new, frozenset({"Name"}))

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Change it; its version counts one more."""
        return self._put(place, made.physical_id, new, "UpdatePipeline")

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it."""
        self._call(place.region, "codepipeline", "DeletePipeline", {"name": made.physical_id})

    def attribute(self, made: Made, name: str) -> Any:
        """`Version`."""
        if name != "Version":
            raise AttributeError(name)
        return made.handle

    def _put(self, place: Place, name: str, properties: Properties, operation: str) -> Made:
        given = {key: value for key, value in properties.items() if key not in ("RestartExecutionOnUpdate", "Tags")}
        shape = self._shape("codepipeline", operation).members["pipeline"]
        pipeline = request({**given, "Name": name}, shape)
        answer = self._call(place.region, "codepipeline", operation, {"pipeline": pipeline})
        return Made(name, str(answer["pipeline"].get("version", 1)))


class PolicyType:
    """AWS::S3::BucketPolicy and AWS::SNS::TopicPolicy: they belong to what they are the policy of.

    Args:
        put, remove: the call that sets the policy of one, or takes it away.
        holders: whose policy it is, by the properties.
    """

    def __init__(
        self,
        call: ApiCall,
        put: Callable[[str, str], Request],
        remove: Callable[[str], Request],
        holders: Callable[[Properties], list[str]],
    ) -> None:
        self._call, self._set, self._unset, self._holders = call, put, remove, holders

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Set the policy of each."""
        for holder in self._holders(properties):
            self._call(place.region, *self._set(holder, json.dumps(properties["PolicyDocument"])))
        return Made(f"{place.stack_name}-{logical_id}", self._holders(properties))

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Where it is another one's."""
        return self._holders(old) != self._holders(new)

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Set it again."""
        for holder in self._holders(new):
            self._call(place.region, *self._set(holder, json.dumps(new["PolicyDocument"])))
        return made

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Take it away."""
        for holder in self._holders(properties):
            self._call(place.region, *self._unset(holder))

    def attribute(self, made: Made, name: str) -> Any:
        """These types have none."""
        raise AttributeError(name)


def bucket_policy(call: ApiCall) -> PolicyType:
    """AWS::S3::BucketPolicy."""
    return PolicyType(
        call,
        lambda bucket, text: ("s3", "PutBucketPolicy", {"Bucket": bucket, "Policy": text}),
        lambda bucket: ("s3", "DeleteBucketPolicy", {"Bucket": bucket}),
        lambda given: [str(given["Bucket"])],
    )


def topic_policy(call: ApiCall) -> PolicyType:
    """AWS::SNS::TopicPolicy."""

    def put(topic: str, text: str) -> Request:
        given = {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": text}
        return "sns", "SetTopicAttributes", given

    return PolicyType(call, put, lambda topic: put(topic, "{}"), lambda given: [str(each) for each in given["Topics"]])


CLASSES: Mapping[str, Callable[[ApiCall, Shape, Callable[[], str]], ResourceType]] = {
    "AWS::CodeBuild::Project": ProjectType,
    "AWS::CodePipeline::Pipeline": PipelineType,
}
POLICIES: Mapping[str, Callable[[ApiCall], ResourceType]] = {
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SNS::TopicPolicy": topic_policy,
}
