"""The registry's answers to a push that ECR refuses (OCI distribution specification, "Error Codes")."""

from __future__ import annotations


class PushRefused(Exception):
    """Root; `status` and `code` go out over HTTP, `str()` is the message."""

    status = "400 Bad Request"
    code = "UNSUPPORTED"


class RepositoryUnknown(PushRefused):
    """ECR makes no repository on push."""

    status = "404 Not Found"
    code = "NAME_UNKNOWN"

    def __init__(self, repository: str, account: str) -> None:
        super().__init__(f"The repository with name '{repository}' does not exist in the registry with id '{account}'")


class TagImmutable(PushRefused):
    """The tag exists with another digest, and the repository does not let it move."""

    code = "TAG_INVALID"

    def __init__(self, repository: str, tag: str) -> None:
        super().__init__(
            f"The image tag '{tag}' already exists in the '{repository}' repository "
            "and cannot be overwritten because the tag is immutable."
        )
