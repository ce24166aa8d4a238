"""Enforcement over moto's own IAM and STS: users, groups, role sessions, and the words of a refusal."""

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sts.models import sts_backends

from infra.local.gateway.calls import identify
from infra.local.gateway.http import read_request
from infra.local.iam import calls
from infra.local.iam.enforce import Enforcer
from infra.local.iam.lookups import Records
from infra.local.iam.principals import Principals
from infra.local.iam.refusals import Refusal

ACCOUNT, REGION = "123456789012", "eu-north-1"
SERVICE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/demo/greeter"
TARGET = "AmazonEC2ContainerServiceV20141113."
UPDATE = {"cluster": "demo", "service": "greeter"}
BACKENDS: dict[str, Any] = {
    "iam": iam_backends, "ecr": ecr_backends, "s3": s3_backends, "secretsmanager": secretsmanager_backends
}  # fmt: skip


def backend(service: str, region: str) -> Any:
    return BACKENDS[service][ACCOUNT][region]


def policy(action: Any, resource: Any = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


class Account:
    """An account with helpers that make callers, and an enforcer."""

    def __init__(self) -> None:
        self.iam = boto3.client("iam", region_name=REGION)
        self.sts = boto3.client("sts", region_name=REGION)
        self.log = calls.CallLog()
        self.time = 0.0
        self.tags: dict[str, dict[str, str]] = {}
        self.enforcer = self.make(enforced=True)

    def make(self, *, enforced: bool) -> Enforcer:
        principals = Principals(
            ACCOUNT, lambda partition: backend("iam", partition), lambda partition: sts_backends[ACCOUNT][partition]
        )
        records = Records(backend, lambda region: [], lambda region, arn: self.tags.get(arn, {}), lambda region: "aws")
        return Enforcer(
            ACCOUNT, principals, records, self.log, lambda: self.time, lambda region: "aws", enforced=enforced
        )

    def role(self, name: str, document: str, **more: Any) -> tuple[str, str]:
        """A role's session, as (access key, token)."""
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": "*"}), **more)["Role"]["Arn"]
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        made = self.sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        return made["AccessKeyId"], made["SessionToken"]

    def user(self, name: str) -> tuple[str, str]:
        self.iam.create_user(UserName=name)
        return self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"], ""

    def ask(self, caller: tuple[str, str], operation: str, api: str = "ecs", /, **given: Any) -> Refusal | None:
        """The verdict on a call of the JSON protocol."""
        return self.judge(caller, api, json.dumps(given).encode(), HTTP_X_AMZ_TARGET=f"{TARGET}{operation}")

    def judge(self, caller: tuple[str, str], service: str, body: bytes = b"", **environ: str) -> Refusal | None:
        key, token = caller
        scope = f"Credential={key}/20260101/{REGION}/{service}/aws4_request"
        request = read_request(
            {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(body), "HTTP_X_AMZ_SECURITY_TOKEN": token,
             "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {scope}, Signature=0", **environ}
        )  # fmt: skip
        call = identify(request)
        assert call is not None
        return self.enforcer.judge(call, request)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    with mock_aws():
        yield Account()


class TestRoleSession:
    def test_it_may_do_what_its_role_may_on_that_resource_only(self, account: Account) -> None:
        session = account.role("deployer", policy("ecs:UpdateService", SERVICE))

        assert account.ask(session, "UpdateService", **UPDATE) is None
        refusal = account.ask(session, "UpdateService", cluster="demo", service="other")
        assert refusal == Refusal(
            "AccessDeniedException",
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session is not authorized to perform: "
            f"ecs:UpdateService on resource: {SERVICE.replace('greeter', 'other')} "
            "because no identity-based policy allows the ecs:UpdateService action",
            400,
        )

    def test_a_condition_counts(self, account: Account) -> None:
        condition = {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/demo"}}
        session = account.role("deployer", policy("ecs:*", Condition=condition))

        assert account.ask(session, "UpdateService", **UPDATE) is None
        assert account.ask(session, "UpdateService", cluster="other", service="greeter") is not None

    def test_the_tags_of_the_resource_count(self, account: Account) -> None:
        session = account.role("d", policy("ecs:*", Condition={"StringEquals": {"aws:ResourceTag/env": "demo"}}))
        assert account.ask(session, "UpdateService", **UPDATE) is not None

        account.tags[SERVICE] = {"env": "demo"}

        assert account.ask(session, "UpdateService", **UPDATE) is None

    def test_its_own_tags_count(self, account: Account) -> None:
        condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
        document = policy("ecs:*", Condition=condition)

        assert account.ask(account.role("a", document), "ListClusters") is not None
        tagged = account.role("b", document, Tags=[{"Key": "team", "Value": "blue"}])
        assert account.ask(tagged, "ListClusters") is None

    def test_a_managed_policy_counts(self, account: Account) -> None:
        session = account.role("deployer", policy("s3:*"))
        arn = account.iam.create_policy(PolicyName="m", PolicyDocument=policy("ecs:*"))["Policy"]["Arn"]
        assert account.ask(session, "ListClusters") is not None

        account.iam.attach_role_policy(RoleName="deployer", PolicyArn=arn)

        assert account.ask(session, "ListClusters") is None

    def test_a_permissions_boundary_limits(self, account: Account) -> None:
        arn = account.iam.create_policy(PolicyName="m", PolicyDocument=policy("ecs:List*"))["Policy"]["Arn"]
        session = account.role("deployer", policy("*"), PermissionsBoundary=arn)

        assert account.ask(session, "ListClusters") is None
        refusal = account.ask(session, "UpdateService", **UPDATE)
        assert refusal is not None
        assert refusal.message.endswith("because no permissions boundary allows the ecs:UpdateService action")

    def test_a_session_policy_limits(self, account: Account) -> None:
        account.role("deployer", policy("*"))
        made = account.sts.assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/deployer", RoleSessionName="session", Policy=policy("ecs:List*")
        )["Credentials"]

        assert account.ask((made["AccessKeyId"], made["SessionToken"]), "ListClusters") is None
        assert account.ask((made["AccessKeyId"], made["SessionToken"]), "UpdateService", **UPDATE) is not None

    def test_it_ends(self, account: Account) -> None:
        session = account.role("deployer", policy("*"))
        account.time = 1e12

        assert account.ask(session, "ListClusters") == Refusal(
            "ExpiredTokenException", "The security token included in the request is expired", 400
        )

    def test_its_token_belongs_to_it(self, account: Account) -> None:
        key, _ = account.role("deployer", policy("*"))

        refusal = account.ask((key, "another"), "ListClusters")

        assert refusal is not None
        assert refusal.code == "UnrecognizedClientException"

    def test_a_role_that_is_gone_has_no_sessions(self, account: Account) -> None:
        session = account.role("deployer", policy("*"))
        account.iam.delete_role_policy(RoleName="deployer", PolicyName="p")
        account.iam.delete_role(RoleName="deployer")

        assert account.ask(session, "ListClusters") is not None

    def test_passing_a_role_needs_a_right_of_its_own(self, account: Account) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/execution"
        session = account.role("deployer", policy("ecs:*"))
        refusal = account.ask(session, "RegisterTaskDefinition", family="greeter", executionRoleArn=role)
        assert refusal is not None
        assert f"perform: iam:PassRole on resource: {role}" in refusal.message

        condition = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
        account.iam.put_role_policy(
            RoleName="deployer", PolicyName="q", PolicyDocument=policy("iam:PassRole", role, Condition=condition)
        )

        assert account.ask(session, "RegisterTaskDefinition", family="greeter", executionRoleArn=role) is None

    def test_creating_with_tags_needs_the_right_to_tag(self, account: Account) -> None:
        session = account.role("deployer", policy("ecs:CreateCluster"))

        assert account.ask(session, "CreateCluster", clusterName="c") is None
        refusal = account.ask(session, "CreateCluster", clusterName="c", tags=[{"key": "a", "value": "1"}])
        assert refusal is not None
        assert "ecs:TagResource" in refusal.message


class TestUser:
    def test_own_and_groups_policies_count(self, account: Account) -> None:
        user = account.user("ann")
        assert account.ask(user, "ListClusters") is not None
        account.iam.create_group(GroupName="g")
        account.iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=policy("ecs:ListClusters"))
        account.iam.add_user_to_group(GroupName="g", UserName="ann")
        account.iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy("ecs:UpdateService"))

        assert account.ask(user, "ListClusters") is None
        assert account.ask(user, "UpdateService", **UPDATE) is None
        assert account.ask(user, "DeleteService", **UPDATE) is not None

    def test_an_inactive_key_is_nobodys(self, account: Account) -> None:
        key, token = account.user("ann")
        account.iam.update_access_key(UserName="ann", AccessKeyId=key, Status="Inactive")

        refusal = account.ask((key, token), "ListClusters")

        assert refusal is not None
        assert refusal.message == "The security token included in the request is invalid."

    def test_it_may_assume_a_role_that_trusts_it(self, account: Account) -> None:
        user = account.user("ann")
        account.iam.create_role(
            RoleName="r", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"})
        )
        account.iam.create_role(RoleName="s", AssumeRolePolicyDocument=trust({"Service": "ecs.amazonaws.com"}))

        def assume(name: str) -> Refusal | None:
            body = f"Action=AssumeRole&RoleSessionName=session&RoleArn=arn:aws:iam::{ACCOUNT}:role/{name}"
            return account.judge(user, "sts", body.encode())

        assert assume("r") is None
        refused = assume("s")
        assert refused is not None
        assert (refused.code, refused.status) == ("AccessDenied", 403)

    def test_it_may_always_ask_who_it_is(self, account: Account) -> None:
        assert account.judge(account.user("ann"), "sts", b"Action=GetCallerIdentity") is None

    def test_a_repositorys_policy_can_allow(self, account: Account) -> None:
        user = account.user("ann")
        ecr = boto3.client("ecr", region_name=REGION)
        ecr.create_repository(repositoryName="cutover")
        assert account.ask(user, "DescribeImages", "ecr", repositoryName="cutover") is not None
        statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}, "Action": "ecr:*"}
        ecr.set_repository_policy(repositoryName="cutover", policyText=json.dumps({"Statement": [statement]}))

        assert account.ask(user, "DescribeImages", "ecr", repositoryName="cutover") is None

    def test_ec2_has_words_of_its_own(self, account: Account) -> None:
        refusal = account.judge(account.user("ann"), "ec2", b"Action=DescribeVpcs")

        assert refusal is not None
        assert (refusal.code, refusal.status) == ("UnauthorizedOperation", 403)
        assert refusal.message.startswith("You are not authorized to perform this operation. User: ")

    def test_s3_knows_no_such_key(self, account: Account) -> None:
        refusal = account.judge(("AKIA0000000000000000", ""), "s3", PATH_INFO="/b/k")

        assert refusal == Refusal(
            "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403
        )


class TestRoot:
    def test_any_other_key_is_the_accounts_root(self, account: Account) -> None:
        assert account.ask(("any", ""), "DeleteCluster", cluster="demo") is None
        assert account.log.calls()[-1].caller == f"arn:aws:iam::{ACCOUNT}:root"


class TestRecord:
    def test_it_says_what_was_needed_and_what_became_of_it(self, account: Account) -> None:
        session = account.role("deployer", policy("ecs:UpdateService"))
        account.ask(session, "UpdateService", **UPDATE)
        account.ask(session, "DeleteService", **UPDATE)

        status, shown = calls.answer(account.log, "GET")

        assert status == "200 OK"
        assert [(each["operation"], each["verdict"]) for each in shown["calls"]] == [
            ("UpdateService", "allowed"),
            ("DeleteService", "denied"),
        ]
        assert shown["calls"][0]["checks"] == [{"action": "ecs:UpdateService", "resource": SERVICE}]
        assert calls.answer(account.log, "DELETE")[1] == {"forgotten": 2}
        assert calls.answer(account.log, "PUT")[0] == "405 Method Not Allowed"

    def test_without_enforcement_nothing_is_refused_and_all_is_recorded(self, account: Account) -> None:
        account.enforcer = account.make(enforced=False)

        assert account.ask(account.user("ann"), "DeleteService", **UPDATE) is None
        assert account.ask(("AKIA0000000000000000", ""), "DeleteService", **UPDATE) is None
        assert [call.verdict for call in account.log.calls()] == ["not enforced"] * 2

    def test_a_request_that_makes_no_sense_is_left_to_its_service(self, account: Account) -> None:
        assert account.ask(("any", ""), "CreateService", loadBalancers=[1]) is None
        assert account.log.calls()[-1].checks == [("ecs:CreateService", "*")]
