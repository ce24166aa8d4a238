"""References of images, `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`, read as Docker reads them.

Source: the grammar of https://pkg.go.dev/github.com/distribution/reference.
"""

import re
from dataclasses import dataclass

from ci.engine.errors import InvalidReferenceError

DOCKER_HUB = "docker.io"
DEFAULT_TAG = "latest"
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
REGISTRY = re.compile(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?")
TAG = re.compile(r"\w[\w.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """One image in one registry; `tag` is empty only where a digest alone names it."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """`REGISTRY/REPOSITORY`."""
        return f"{self.registry}/{self.repository}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """The image that `text` names, in full: without a registry it is Docker Hub's, without a tag `latest`.

    Raises:
        InvalidReferenceError: the text is no reference.
    """
    rest, _, digest = text.partition("@")
    registry, rest = _split(rest)
    repository, _, tag = rest.partition(":")
    if repository.lower() != repository:
        raise InvalidReferenceError(text, f"repository name ({repository}) must be lowercase")
    if not (REGISTRY.fullmatch(registry) and REPOSITORY.fullmatch(repository)) or (":" in rest and not tag):
        raise InvalidReferenceError(text)
    if (tag and not TAG.fullmatch(tag)) or ("@" in text and not DIGEST.fullmatch(digest)):
        raise InvalidReferenceError(text)
    return Reference(registry, repository, tag or ("" if digest else DEFAULT_TAG), digest)


def _split(text: str) -> tuple[str, str]:
    """The registry and the rest; a first part without a dot, a port or capitals belongs to a Docker Hub repository."""
    first, slash, rest = text.partition("/")
    if not slash or not (set(first) & set(".:[") or first == "localhost" or first.lower() != first):
        return DOCKER_HUB, text if slash else f"library/{text}"
    if first in (DOCKER_HUB, "index.docker.io"):
        return DOCKER_HUB, rest if "/" in rest else f"library/{rest}"
    return first, rest
