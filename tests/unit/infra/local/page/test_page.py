"""What the page shows, as data: shares, stages, rules in words, and who gets the page at all."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.page.balancers import read_balancers, read_groups
from infra.local.page.page import document, html, is_for_a_browser
from infra.local.page.services import STAGES, read_services, stages

BLUE, GREEN = (f"arn:aws:elasticloadbalancing:eu-north-1:1:targetgroup/{name}/1" for name in ("blue", "green"))
CLUSTER = "arn:aws:ecs:eu-north-1:1:cluster/demo"
SERVICE = {
    "serviceName": "web", "clusterArn": CLUSTER, "status": "ACTIVE", "desiredCount": 2, "runningCount": 3,
    "pendingCount": 1, "deploymentConfiguration": {"strategy": "BLUE_GREEN"}, "currentServiceDeployment": "arn:d/one",
    "events": [{"createdAt": 1.0, "message": "(service web) began"}],
}  # fmt: skip
DEPLOYMENT = {
    "serviceDeploymentArn": "arn:d/one", "status": "IN_PROGRESS", "createdAt": 5.0, "lifecycleStage": "BAKE_TIME",
    "deploymentConfiguration": {"strategy": "BLUE_GREEN"},
    "sourceServiceRevisions": [{"arn": "arn:r/1", "requestedProductionTrafficWeight": 90, "runningTaskCount": 2}],
    "targetServiceRevision": {"arn": "arn:r/2", "requestedProductionTrafficWeight": 10, "requestedTaskCount": 2},
    "lifecycleHookDetails": [
        {"status": "SUCCEEDED", "expiresAt": 1.0},
        {"status": "AWAITING_ACTION", "expiresAt": 9.0, "timeoutAction": "ROLLBACK"},
    ],
}  # fmt: skip

TASK = {
    "taskArn": "arn:t/1", "taskDefinitionArn": "arn:td/web:1", "lastStatus": "RUNNING",
    "containers": [{"image": "web:1", "imageDigest": "sha256:1"}],
}  # fmt: skip


def forward(**weights: int) -> Any:
    groups = [{"TargetGroupArn": BLUE if name == "blue" else GREEN, "Weight": each} for name, each in weights.items()]
    return SimpleNamespace(data={"Type": "forward", "ForwardConfig": {"TargetGroups": groups}})


def rule(priority: Any, action: Any, *conditions: Any, default: bool = False) -> Any:
    return SimpleNamespace(arn="arn", priority=priority, is_default=default, conditions=conditions, actions=[action])


def backend(*rules: Any) -> Any:
    listener = SimpleNamespace(arn="arn:l", port="80", protocol="HTTP", rules=dict(enumerate(rules)))
    target = {"Id": "10.0.0.1", "Port": 8080}
    return SimpleNamespace(
        load_balancers={"a": SimpleNamespace(name="demo", listeners={"l": listener})},
        target_groups={"g": SimpleNamespace(arn=BLUE, name="blue", targets={"t": target})},
    )


def shown_rules(*rules: Any) -> Any:
    (balancer,) = read_balancers([backend(*rules)], {"arn:l": "http://127.0.0.1:8001"}.get)
    (listener,) = balancer["listeners"]
    assert (listener["port"], listener["url"]) == (80, "http://127.0.0.1:8001")
    return listener["rules"]


def test_rules_come_by_priority_with_their_shares() -> None:
    last, first = rule(20, forward(blue=0, green=0)), rule("3", forward(blue=3, green=1))

    shown = shown_rules(rule("default", forward(blue=1), default=True), last, first)

    assert [each["priority"] for each in shown] == ["3", "20", "default"]
    assert shown[0]["action"]["groups"] == [
        {"name": "blue", "weight": 3, "percent": 75.0},
        {"name": "green", "weight": 1, "percent": 25.0},
    ]
    assert [each["percent"] for each in shown[1]["action"]["groups"]] == [0, 0]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"Field": "path-pattern", "Values": ["/a", "/b"]}, "path-pattern /a or /b"),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a*"]}}, "path-pattern /a*"),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "A", "Values": ["1"]}}, "http-header A: 1"),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "1"}]}}, "query-string a=1"),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}, "source-ip 10.0.0.0/8"),
    ],
)
def test_conditions_are_said_in_words(condition: dict[str, Any], words: str) -> None:
    assert shown_rules(rule(1, forward(blue=1), condition))[0]["conditions"] == [words]


def test_other_actions_are_said_in_words() -> None:
    fixed = SimpleNamespace(data={"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}})
    redirect = SimpleNamespace(data={"Type": "redirect", "RedirectConfig": {}})

    shown = shown_rules(rule(1, fixed), rule(2, redirect))

    assert [each["action"]["text"] for each in shown] == ["answers 503", "redirect"]


def test_targets_have_the_health_that_was_found() -> None:
    (group,) = read_groups([backend()], lambda arn, address, port: ("unhealthy", "Target.Timeout", "timed out"))

    assert group["targets"] == [
        {"address": "10.0.0.1:8080", "state": "unhealthy", "reason": "Target.Timeout", "why": "timed out"}
    ]


class TestStages:
    def test_what_is_behind_is_done_and_what_is_ahead_is_not(self) -> None:
        shown = {each["name"]: each["state"] for each in stages("SCALE_UP", "IN_PROGRESS")}

        assert list(shown) == list(STAGES)
        assert [shown[name] for name in STAGES[1:4]] == ["done", "current", "ahead"]

    def test_a_deployment_that_was_rolled_back_failed_where_it_stood(self) -> None:
        shown = stages("POST_TEST_TRAFFIC_SHIFT", "ROLLBACK_SUCCESSFUL")

        assert [each["name"] for each in shown if each["state"] == "failed"] == ["POST_TEST_TRAFFIC_SHIFT"]

    def test_all_of_a_successful_one_are_done(self) -> None:
        assert {each["state"] for each in stages("CLEAN_UP", "SUCCESSFUL")} == {"done"}

    def test_before_the_first_stage_nothing_is_done(self) -> None:
        assert {each["state"] for each in stages(None, "PENDING")} == {"ahead"}


class FakeEcs:
    """One service with the deployment above, its first revision in the group blue."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "ListClusters": {"clusterArns": [CLUSTER]},
            "ListServices": {"serviceArns": ["arn:s/web"]},
            "DescribeServices": {"services": [SERVICE]},
            "DescribeServiceDeployments": {"serviceDeployments": [DEPLOYMENT]},
            "ListTasks": {"taskArns": ["arn:t/1"]},
            "DescribeTasks": {"tasks": [TASK]},
        }  # fmt: skip

    def __call__(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeServiceRevisions":
            return {"serviceRevisions": [self._revision(given["serviceRevisionArns"][0])]}
        answer: dict[str, Any] = self.answers[operation]
        return answer

    @staticmethod
    def _revision(arn: str) -> dict[str, Any]:
        resolved = {"resolvedConfiguration": {"loadBalancers": [{"targetGroupArn": BLUE}]}} if arn[-1] == "1" else {}
        return {"taskDefinition": f"arn:td/web:{arn[-1]}", "containerImages": [{"image": f"web:{arn[-1]}"}], **resolved}


def test_a_service_is_shown_with_its_deployment_revisions_and_tasks() -> None:
    (service,) = read_services(FakeEcs())

    deployment = service["deployment"]
    source, target = deployment["revisions"]
    assert (service["name"], service["cluster"], service["strategy"]) == ("web", "demo", "BLUE_GREEN")
    assert (deployment["under_way"], deployment["stage"]) == (True, "BAKE_TIME")
    assert deployment["hooks"] == [{"expires": 9.0, "action": "ROLLBACK"}]
    assert (source["role"], source["group"], source["production"], source["image"]) == ("source", "blue", 90, "web:1")
    assert (target["role"], target["group"], target["production"]) == ("target", None, 10)
    assert service["tasks"][0]["digest"] == "sha256:1"


def test_a_service_without_deployment_or_tasks_is_shown_too() -> None:
    ecs = FakeEcs()
    ecs.answers["DescribeServices"] = {"services": [{**SERVICE, "currentServiceDeployment": None}]}
    ecs.answers["ListTasks"] = {"taskArns": []}

    (service,) = read_services(ecs)

    assert (service["deployment"], service["tasks"]) == (None, [])


def test_a_rolling_deployment_has_no_stages_to_show() -> None:
    ecs = FakeEcs()
    rolling = {**DEPLOYMENT, "deploymentConfiguration": {"strategy": "ROLLING"}}
    ecs.answers["DescribeServiceDeployments"] = {"serviceDeployments": [rolling]}

    assert read_services(ecs)[0]["deployment"]["stages"] == []


def test_the_document_joins_all_regions() -> None:
    asks = [FakeEcs(), FakeEcs()]
    shown = document("http://x", 7.0, 1.0, [backend()], asks, lambda *_: ("healthy", None, None), {}.get)

    assert (shown["now"], shown["minute"], len(shown["services"])) == (7.0, 1.0, 2)
    assert shown["target_groups"][0]["targets"][0]["state"] == "healthy"


@pytest.mark.parametrize(
    ("method", "path", "accept", "key", "wanted"),
    [
        ("GET", "/", "text/html,application/xhtml+xml", "", True),
        ("GET", "/", "text/html", "AKIAIOSFODNN7EXAMPLE", False),
        ("GET", "/", "*/*", "", False),
        ("POST", "/", "text/html", "", False),
        ("GET", "/bucket", "text/html", "", False),
    ],
)
def test_a_browser_gets_the_page_and_s3_its_buckets(
    method: str, path: str, accept: str, key: str, wanted: bool
) -> None:
    assert is_for_a_browser(method, path, accept, key) is wanted


def test_the_page_loads_nothing_from_elsewhere_and_takes_no_text_as_markup() -> None:
    text = html().decode()

    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)
    assert "innerHTML" not in text
    assert 'lang="en"' in text
