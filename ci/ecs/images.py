"""From what a person calls an image to the one digest that is meant, and from an archive to a published version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from .archive import opened
from .clients import Aws
from .errors import ForeignImage, ImageMissing, RepositoryMissing, VersionTaken, code_of
from .names import check_prefix
from .registry import Registry

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Image:
    """One image in the environment's repository, by digest."""

    repository: str
    digest: str

    @property
    def reference(self) -> str:
        """What a task definition names."""
        return f"{self.repository}@{self.digest}"


def publish(aws: Aws, prefix: str, archive: Path, version: str, moving_tag: str) -> Image:
    """Pushes the OCI layout `archive` and tags it; VersionTaken where `version` already names other bytes."""
    uri, registry = _repository(aws, prefix)
    with opened(archive) as image:
        top = image.top
        existing = registry.digest_of(version)
        if existing not in (None, top.digest):
            raise VersionTaken(version=version, existing=existing, digest=top.digest)
        aws.progress(f"publish {version} ({top.digest}) to {uri}")
        registry.push(image, aws.progress)
        # An immutable tag that is already right must not be put again.
        for tag in (version, moving_tag):
            if registry.digest_of(tag) != top.digest:
                registry.tag(top, tag)
    return Image(uri, top.digest)


def resolve(aws: Aws, prefix: str, reference: str) -> Image:
    """The image that a tag, a digest, ``URI:TAG`` or ``URI@DIGEST`` names; ImageMissing where there is none."""
    uri, registry = _repository(aws, prefix)
    name = _name_in(uri, reference)
    digest = registry.digest_of(name)
    if digest is None or (_DIGEST.fullmatch(name) and digest != name):
        raise ImageMissing(image=reference)
    return Image(uri, digest)


def _name_in(uri: str, reference: str) -> str:
    """The tag or digest part of `reference`, which must be of the repository `uri` if it names any."""
    if reference.startswith((f"{uri}@", f"{uri}:")):
        return reference[len(uri) + 1 :]
    if "/" in reference or ("@" in reference) or (":" in reference and not _DIGEST.fullmatch(reference)):
        raise ForeignImage(image=reference, repository=uri)
    return reference


def _repository(aws: Aws, prefix: str) -> tuple[str, Registry]:
    check_prefix(prefix)
    try:
        uri = aws.ecr.describe_repositories(repositoryNames=[prefix])["repositories"][0]["repositoryUri"]
    except ClientError as error:
        if code_of(error) == "RepositoryNotFoundException":
            raise RepositoryMissing(repository=prefix) from error
        raise
    token = aws.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    host, _, name = uri.partition("/")
    base = aws.registry_url(host)
    return uri, Registry(base, name, f"Basic {token}", aws.clock, endpoint=aws.endpoint is not None)
