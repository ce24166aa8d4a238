"""Images from registries and their mirrors, fetched into the store."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

from ci.engine import archives, platforms
from ci.engine.archives import Stored
from ci.engine.errors import InvalidArchiveError, ManifestUnknownError, RegistryError
from ci.engine.layers import Layer, Layers
from ci.engine.references import DOCKER_HUB, Reference
from ci.engine.registry import SILENT_SECONDS, Manifest, Registry
from ci.engine.registry_auth import Lookup
from ci.engine.store import Store

PARALLEL = 3  # blobs fetched at once, as Docker does


@dataclass(frozen=True)
class Mirrors:
    """Where registries are mirrored: URLs by the registry's name, the first to be asked first.

    A setting is a URL, which mirrors Docker Hub, or `REGISTRY=URL`.
    """

    rows: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Mirrors":
        """The mirrors that settings name.

        Raises:
            RegistryError: one is no URL.
        """
        rows = []
        for text in filter(None, (text.strip() for text in texts)):
            named = "=" in text.partition("://")[0]
            registry, url = text.split("=", 1) if named else (DOCKER_HUB, text)
            if not url.startswith(("http://", "https://")):
                raise RegistryError(registry, f"{text!r} is no mirror: use URL or REGISTRY=URL")
            rows.append((registry, url))
        return cls(tuple(rows))

    def urls(self, registry: str) -> list[str]:
        """The mirrors of one registry."""
        return [url for name, url in self.rows if name == registry]


@dataclass(frozen=True)
class Found:
    """An image that a registry has: its manifest's digest, and what fetches it."""

    digest: str
    fetch: Callable[[], Stored] = field(repr=False)


class Pulls:
    """Fetches images for one session.

    Args:
        mirrors: where registries are mirrored.
        http: the HTTP session for registries.
        silent_seconds: how long a registry may say nothing.
    """

    def __init__(
        self, store: Store, mirrors: Mirrors, http: requests.Session, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self._store = store
        self._mirrors = mirrors
        self._http = http
        self._silent = silent_seconds

    def registry(self, name: str, credentials: Lookup, at: str = "") -> Registry:
        """A registry, at `at` (a URL) where it is not reached at its name."""
        return Registry(name, credentials, self._http, url=at, silent_seconds=self._silent)

    def find(self, reference: Reference, platform: str, credentials: Lookup, at: str = "") -> Found:
        """The image for a platform, from the first of the mirrors and the registry itself that has it.

        Raises:
            ManifestUnknownError: none has it.
            RegistryError: none answers as it should; what the registry itself said.
        """
        places = [at] if at else [*self._mirrors.urls(reference.registry), ""]
        failures: list[RegistryError] = []
        for place in places:
            try:
                return self._at(self.registry(reference.registry, credentials, place), reference, platform)
            except RegistryError as error:
                failures.append(error)
        raise next((error for error in failures if isinstance(error, ManifestUnknownError)), failures[-1])

    def _at(self, registry: Registry, reference: Reference, platform: str) -> Found:
        manifest = registry.manifest(reference)
        digest = manifest.digest
        if "manifests" in manifest.document:
            manifest = self._of_platform(registry, reference, manifest, platform)
        if "config" not in manifest.document:
            raise RegistryError(registry.name, f"{reference} is of a kind no longer in use ({manifest.media_type})")
        repository, document = reference.repository, manifest.document
        return Found(digest, lambda: self._fetched(registry, repository, document))

    def _of_platform(self, registry: Registry, reference: Reference, index: Manifest, platform: str) -> Manifest:
        row = archives.chosen(index.document["manifests"], platform)
        if row is None:
            offered = ", ".join(platforms.of_row(r["platform"]) for r in index.document["manifests"] if "platform" in r)
            raise RegistryError(registry.name, f"{reference} is not there for {platform}, only for {offered}")
        return registry.manifest(Reference(reference.registry, reference.repository, "", row["digest"]))

    def _fetched(self, registry: Registry, repository: str, document: Mapping[str, Any]) -> Stored:
        """Fetch an image's configuration and those of its layers that the store has not."""
        config = b"".join(registry.blob(repository, document["config"]["digest"]))
        pairs = list(zip(archives.diff_ids(config), document["layers"], strict=True))
        try:
            with ThreadPoolExecutor(PARALLEL) as pool:
                layers = list(pool.map(lambda pair: self._layer(registry, repository, *pair), pairs))
        except InvalidArchiveError as error:
            raise RegistryError(registry.name, str(error)) from error
        return Stored(config, tuple(layers))

    def _layer(self, registry: Registry, repository: str, diff_id: str, row: Mapping[str, Any]) -> Layer:
        if found := Layers(self._store).known(diff_id):
            return found
        return archives.keep_layer(self._store, diff_id, registry.blob(repository, row["digest"]), row["digest"])
