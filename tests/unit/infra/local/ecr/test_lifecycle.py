"""Lifecycle policies: what they expire, what a dry run says, and that expired and deleted images leave the registry."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.ecr.api import EcrApi, EcrError
from infra.local.ecr.lifecycle import StoredImage, expired

DAY = 86400.0
NOW = 100 * DAY


def minutes(count: float) -> float:
    return count * 60


def rule(priority: int, status: str, kind: str, number: int, **selection: Any) -> dict[str, Any]:
    chosen = {"tagStatus": status, "countType": kind, "countNumber": number, **selection}
    return {"rulePriority": priority, "selection": chosen, "action": {"type": "expire"}}


def policy(*rules: dict[str, Any]) -> str:
    return json.dumps({"rules": list(rules)})


def image(name: str, age: float, *tags: str) -> StoredImage:
    return StoredImage(name, tags, NOW - age * DAY)


MORE, SINCE = "imageCountMoreThan", "sinceImagePushed"
IMAGES = [
    image("a", 1, "1.3.0"),
    image("b", 2, "1.2.0"),
    image("c", 3),
    image("d", 20),
    image("e", 30, "prod", "1.0.0"),
]


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ([rule(1, "any", MORE, 2)], ["c", "d", "e"]),
        ([rule(1, "untagged", MORE, 1)], ["d"]),
        ([rule(1, "untagged", SINCE, 14, countUnit="days")], ["d"]),
        ([rule(1, "any", SINCE, 20, countUnit="days")], ["e"]),
        ([rule(1, "tagged", MORE, 1, tagPrefixList=["1."])], ["b", "e"]),
        ([rule(1, "tagged", MORE, 0, tagPatternList=["1.*", "prod"])], ["e"]),
        ([rule(1, "tagged", MORE, 0, tagPatternList=["*.3.*"])], ["a"]),
        # what a rule selects, no rule after it can expire, and its order is that of the priorities
        ([rule(2, "any", MORE, 0), rule(1, "tagged", MORE, 9, tagPrefixList=["prod"])], ["a", "b", "c", "d"]),
        # a count counts what another rule expires
        ([rule(1, "untagged", MORE, 0), rule(2, "any", MORE, 3)], ["c", "d", "e"]),
        ([rule(1, "any", MORE, 5)], []),
    ],
)
def test_a_policy_expires_what_the_user_guide_says(rules: list[dict[str, Any]], gone: list[str]) -> None:
    assert sorted(each.image.digest for each in expired(policy(*rules), IMAGES, NOW, minutes)) == gone


def test_the_rule_that_expires_is_named() -> None:
    rules = policy(rule(5, "untagged", MORE, 0), rule(7, "tagged", MORE, 0, tagPrefixList=["prod"]))

    found = {each.image.digest: each.priority for each in expired(rules, IMAGES, NOW, minutes)}

    assert found == {"c": 5, "d": 5, "e": 7}


def test_days_are_as_long_as_the_local_minute_makes_them() -> None:
    rules = policy(rule(1, "any", SINCE, 1, countUnit="days"))

    assert len(expired(rules, [StoredImage("a", (), NOW - 1441)], NOW, lambda count: count)) == 1


class Registry:
    """A repository `web` of images `(digest, tags, pushed at)`, and what was taken out of the registry."""

    def __init__(self, *images: tuple[str, list[str], float]) -> None:
        stored = [SimpleNamespace(image_digest=d, image_tags=t, image_pushed_at=at) for d, t, at in images]
        self.repository = SimpleNamespace(name="web", images=stored, lifecycle_policy=None)
        self.backend = SimpleNamespace(repositories={"web": self.repository})
        self.forgotten: list[tuple[str, str]] = []
        clock: Any = SimpleNamespace(now=lambda: NOW, minutes=minutes)
        self.api = EcrApi(
            "1", 4566, clock, lambda region: self.backend, lambda: [self.backend],
            lambda repository, digest: self.forgotten.append((repository, digest)),
        )  # fmt: skip

    def call(self, operation: str, **given: Any) -> Any:
        return self.api.answer("eu-north-1", operation, {"repositoryName": "web", **given})


@pytest.fixture
def registry() -> Registry:
    return Registry(("old", ["1"], 1.0), ("new", ["2"], 2.0))


def test_a_push_expires_what_the_policy_says_and_removes_it(registry: Registry) -> None:
    registry.repository.lifecycle_policy = policy(rule(1, "any", MORE, 1))

    registry.api.pushed()

    assert [each.image_digest for each in registry.repository.images] == ["new"]
    assert registry.forgotten == [("web", "old")]


def test_what_ecr_deletes_leaves_the_registry(registry: Registry) -> None:
    assert registry.api.around("BatchDeleteImage", lambda: registry.repository.images.pop()).image_digest == "new"
    assert registry.forgotten == [("web", "new")]

    registry.api.around("DeleteRepository", registry.backend.repositories.clear)
    assert registry.forgotten[1:] == [("web", "old")]


def test_what_only_reads_removes_nothing(registry: Registry) -> None:
    registry.repository.lifecycle_policy = policy(rule(1, "any", MORE, 0))

    assert registry.api.around("DescribeImages", lambda: "answer") == "answer"

    assert registry.forgotten == []


def test_a_dry_run_says_what_would_go_and_removes_nothing(registry: Registry) -> None:
    text = policy(rule(3, "any", MORE, 1))

    assert registry.call("StartLifecyclePolicyPreview", lifecyclePolicyText=text)["status"] == "IN_PROGRESS"
    shown = registry.call("GetLifecyclePolicyPreview")

    assert shown["status"] == "COMPLETE"
    assert shown["previewResults"] == [
        {"imageTags": ["1"], "imageDigest": "old", "imagePushedAt": 1.0, "action": {"type": "EXPIRE"},
         "appliedRulePriority": 3},
    ]  # fmt: skip
    assert len(registry.repository.images) == 2


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("StartLifecyclePolicyPreview", {}, "LifecyclePolicyNotFoundException"),
        ("GetLifecyclePolicyPreview", {}, "LifecyclePolicyPreviewNotFoundException"),
        ("StartLifecyclePolicyPreview", {"repositoryName": "none"}, "RepositoryNotFoundException"),
    ],
)
def test_a_dry_run_of_nothing_is_refused(registry: Registry, operation: str, given: dict[str, Any], code: str) -> None:
    with pytest.raises(EcrError) as raised:
        registry.call(operation, **given)
    assert raised.value.code == code


def test_other_operations_are_motos(registry: Registry) -> None:
    assert registry.call("DescribeImages") is None
