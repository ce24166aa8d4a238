"""The policies in Rego: what each denies, what each lets pass, and that our own templates keep to them."""

from pathlib import Path
from typing import Any

import pytest

from ci.scan.accepted import parse
from ci.scan.policy import denied, policy
from ci.scan.readers import own
from ci.scan.templates import templates

ROOT = Path(__file__).parents[4]
POLICIES = sorted((ROOT / "ci/scan/policies").glob("*.rego"))
TAGS = [{"Key": "service", "Value": "shop"}]
BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
BUCKET = {"Tags": TAGS, "BucketEncryption": {}, "PublicAccessBlockConfiguration": BLOCKED}
ROLE = {"Tags": TAGS, "AssumeRolePolicyDocument": {}}


def rules(kind: str, **properties: Any) -> set[str]:
    """The rules that deny a template of one resource."""
    template = {"Resources": {"It": {"Type": f"AWS::{kind}", "Properties": properties}}}
    return {row["rule"] for row in denied(POLICIES, template) if row["resource"] == "It"}


def allowing(*actions: str, effect: str = "Allow") -> dict[str, Any]:
    """A role with an inline policy of these actions."""
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*"}
    return {**ROLE, "Policies": [{"PolicyName": "its", "PolicyDocument": {"Statement": [statement]}}]}


@pytest.mark.parametrize(
    ("kind", "properties", "denied_by"),
    [
        ("S3::Bucket", BUCKET, set()),
        ("S3::Bucket", {**BUCKET, "AccessControl": "PublicRead"}, {"bucket-public"}),
        ("S3::Bucket", {**BUCKET, "PublicAccessBlockConfiguration": {**BLOCKED, "BlockPublicAcls": False}},
         {"bucket-not-blocked"}),
        ("S3::Bucket", {"Tags": TAGS, "BucketEncryption": {}}, {"bucket-not-blocked"}),
        ("S3::Bucket", {**BUCKET, "Tags": []}, {"untagged"}),
        ("S3::Bucket", {}, {"untagged", "unencrypted", "bucket-not-blocked"}),
        ("RDS::DBInstance", {"Tags": TAGS, "StorageEncrypted": True}, set()),
        ("RDS::DBInstance", {"Tags": TAGS, "StorageEncrypted": False}, {"unencrypted"}),
        ("SNS::Topic", {}, {"unencrypted"}),
        ("IAM::Role", allowing("s3:GetObject", "s3:Get*"), set()),
        ("IAM::Role", allowing("s3:*"), {"wildcard-action"}),
        ("IAM::Role", allowing("*"), {"wildcard-action"}),
        ("IAM::Role", allowing("*", effect="Deny"), set()),
        ("IAM::ManagedPolicy", {"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "ecs:*"}}},
         {"wildcard-action"}),
        ("KMS::Key", {"KeyPolicy": {"Statement": [{"Effect": "Allow", "Action": "kms:*"}]}}, set()),
        ("ECS::TaskDefinition", {"ContainerDefinitions": [{"Image": "shop:1.2.3"}]}, {"image-not-by-digest"}),
        ("ECS::TaskDefinition", {"ContainerDefinitions": [{"Image": f"shop@sha256:{'0' * 64}"}]}, set()),
        ("ECS::TaskDefinition", {"ContainerDefinitions": [{"Image": {"Ref": "Image"}}]}, set()),
    ],
)  # fmt: skip
def test_a_resource_is_denied_by_exactly_these_rules(
    kind: str, properties: dict[str, Any], denied_by: set[str]
) -> None:
    """No public buckets, tags, encryption, no wildcard actions, images by digest."""
    assert rules(kind, **properties) == denied_by


def test_the_rows_are_findings_in_the_resources_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a template in YAML; what is no template is passed over."""
    monkeypatch.chdir(tmp_path)
    Path("stack.yaml").write_text("Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n")
    Path("other.yaml").write_text("Resources: none\n")
    assert templates(Path.cwd()) == ["stack.yaml"]
    (found,) = own("policy", policy(POLICIES, ["stack.yaml"]))
    assert (found.rule, found.path, found.line, found.kind) == ("unencrypted", "stack.yaml", 2, "policy")


def test_the_templates_of_this_repository_keep_to_them_or_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each exception has its reason in `.cutover-accepted.toml`."""
    monkeypatch.chdir(ROOT)
    accepted = parse(Path(".cutover-accepted.toml").read_text())
    names = [str(path) for path in sorted(Path("infra/templates").glob("*.yaml"))]
    assert len(names) == 9
    found = own("policy", policy(POLICIES, names))
    assert [each for each in found if not any(row.covers(each) for row in accepted)] == []
