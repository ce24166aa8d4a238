"""Keeps moto's ECR records in step with the registry: one call before a manifest is put, one after."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from infra.local.ecr.errors import RepositoryUnknown, TagImmutable


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was pushed. `tag` is None for one that was put by digest."""

    repository: str
    tag: str | None
    digest: str
    media_type: str
    text: str


class EcrRecords:
    """The repositories of all regions, which share the one registry. `make_image` is moto's `Image`."""

    def __init__(self, account: str, backends: Callable[[], Iterable[Any]], make_image: Callable[..., Any]) -> None:
        self._account = account
        self._backends = backends
        self._make_image = make_image

    def check(self, manifest: Manifest) -> None:
        """Raise RepositoryUnknown or TagImmutable where ECR would refuse the push."""
        for repository in self._repositories(manifest.repository):
            holder = self._holder(repository, manifest.tag)
            moved = holder is not None and holder.image_digest != manifest.digest
            if moved and manifest.tag is not None and _is_immutable(repository, manifest.tag):
                raise TagImmutable(manifest.repository, manifest.tag)

    def record(self, manifest: Manifest) -> None:
        """The image is in the repository now, and has the tag; no other image has it."""
        for repository in self._repositories(manifest.repository):
            for image in repository.images:
                if image.image_digest != manifest.digest:
                    _untag(image, manifest.tag)
            known = next((image for image in repository.images if image.image_digest == manifest.digest), None)
            if known is None:
                known = self._make_image(
                    self._account, None, manifest.text, manifest.repository, manifest.media_type, manifest.digest
                )
                repository.images.append(known)
            if manifest.tag is not None:
                known.update_tag(manifest.tag)

    def _repositories(self, name: str) -> list[Any]:
        found = [backend.repositories[name] for backend in self._backends() if name in backend.repositories]
        if not found:
            raise RepositoryUnknown(name, self._account)
        return found

    @staticmethod
    def _holder(repository: Any, tag: str | None) -> Any:
        return next((image for image in repository.images if tag is not None and tag in image.image_tags), None)


def _untag(image: Any, tag: str | None) -> None:
    """moto keeps showing the last tag of an image that has none left."""
    image.remove_tag(tag)
    if not image.image_tags:
        image.image_tag = None


def _is_immutable(repository: Any, tag: str) -> bool:
    """ECR user guide, "image-tag-mutability": the exclusion filters turn the repository's setting round."""
    setting = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
    filters = repository.image_tag_mutability_exclusion_filters or []
    excluded = any(fnmatch.fnmatchcase(tag, each["filter"]) for each in filters)
    return setting.startswith("IMMUTABLE") != (excluded and setting.endswith("WITH_EXCLUSION"))
