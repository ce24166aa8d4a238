"""ECR's operations, as far as moto only keeps records: the token, policies evaluated, images really removed.

ECR evaluates a lifecycle policy within 24 hours; here that is done at each push and when the policy is put.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from infra.local.clock import Clock
from infra.local.ecr.lifecycle import Expiry, StoredImage, expired
from infra.local.ecr.token import authorization

TARGET_PREFIX = "AmazonEC2ContainerRegistry_V20150921."
REMOVING = frozenset({"BatchDeleteImage", "DeleteRepository", "PutLifecyclePolicy"})
T = TypeVar("T")
Json = dict[str, Any]
Stored = set[tuple[str, str]]  # repository, digest


class EcrError(Exception):
    """An operation that ECR refuses; `code` and `str()` go out."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EcrApi:
    """`backend` gives moto's of a region, `backends` those of all; `forget` takes a manifest out of the registry."""

    def __init__(
        self,
        account: str,
        port: int,
        clock: Clock,
        backend: Callable[[str], Any],
        backends: Callable[[], Iterable[Any]],
        forget: Callable[[str, str], None],
    ) -> None:
        self._account = account
        self._port = port
        self._clock = clock
        self._backend = backend
        self._backends = backends
        self._forget = forget
        self._previews: dict[tuple[str, str], Json] = {}

    def answer(self, region: str, operation: str, given: Mapping[str, Any]) -> Json | None:
        """The output of an operation of ours, None for one of moto's; raises EcrError."""
        if operation == "GetAuthorizationToken":
            return authorization(self._port, self._clock.now())
        if operation == "StartLifecyclePolicyPreview":
            return self._preview(region, given)
        if operation == "GetLifecyclePolicyPreview":
            return self._previewed(region, given)
        return None

    def around(self, operation: str, carry_out: Callable[[], T]) -> T:
        """Carry out an operation of moto's; what it removes is removed from the registry too. Gives its answer."""
        if operation not in REMOVING:
            return carry_out()
        before = self._stored()
        answer = carry_out()
        self._expire()
        self._sweep(before)
        return answer

    def pushed(self) -> None:
        """An image has come: the policies are evaluated."""
        before = self._stored()
        self._expire()
        self._sweep(before)

    def _sweep(self, before: Stored) -> None:
        for repository, digest in before - self._stored():
            self._forget(repository, digest)

    def _stored(self) -> Stored:
        return {
            (repository.name, image.image_digest) for repository in self._repositories() for image in repository.images
        }

    def _repositories(self) -> Iterable[Any]:
        return [each for backend in self._backends() for each in list(backend.repositories.values())]

    def _expire(self) -> None:
        for repository in self._repositories():
            if repository.lifecycle_policy:
                gone = {each.image.digest for each in self._expired(repository, repository.lifecycle_policy)}
                repository.images[:] = [each for each in repository.images if each.image_digest not in gone]

    def _expired(self, repository: Any, policy: str) -> list[Expiry]:
        images = [
            StoredImage(each.image_digest, tuple(each.image_tags), float(each.image_pushed_at))
            for each in repository.images
        ]
        return expired(policy, images, self._clock.now(), self._clock.minutes)

    def _preview(self, region: str, given: Mapping[str, Any]) -> Json:
        repository = self._repository(region, given)
        policy = given.get("lifecyclePolicyText") or repository.lifecycle_policy
        if not policy:
            raise self._error("LifecyclePolicyNotFoundException", "Lifecycle policy does not exist", repository.name)
        head = {"registryId": self._account, "repositoryName": repository.name, "lifecyclePolicyText": policy}
        results = [_result(each) for each in self._expired(repository, policy)]
        self._previews[region, repository.name] = {
            **head, "status": "COMPLETE", "previewResults": results,
            "summary": {"expiringImageTotalCount": len(results)},
        }  # fmt: skip
        return {**head, "status": "IN_PROGRESS"}

    def _previewed(self, region: str, given: Mapping[str, Any]) -> Json:
        repository = self._repository(region, given)
        if (region, repository.name) not in self._previews:
            code = "LifecyclePolicyPreviewNotFoundException"
            raise self._error(code, "There is no dry run for this repository", repository.name)
        return self._previews[region, repository.name]

    def _repository(self, region: str, given: Mapping[str, Any]) -> Any:
        name = given.get("repositoryName", "")
        if name not in self._backend(region).repositories:
            words = f"The repository with name '{name}' does not exist in the registry with id '{self._account}'"
            raise EcrError("RepositoryNotFoundException", words)
        return self._backend(region).repositories[name]

    def _error(self, code: str, words: str, repository: str) -> EcrError:
        return EcrError(code, f"{words} for the repository '{repository}' in the registry with id '{self._account}'")


def _result(expiry: Expiry) -> Json:
    return {
        "imageTags": list(expiry.image.tags),
        "imageDigest": expiry.image.digest,
        "imagePushedAt": expiry.image.pushed_at,
        "action": {"type": "EXPIRE"},
        "appliedRulePriority": expiry.priority,
    }
