"""The doctor's checks of what the pipeline is made from: base images, package indexes, and each input by its source."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.cli.findings import Finding, ok, red
from ci.cli.machine import ANSWER_SECONDS, Machine
from ci.engine.errors import EngineError

if TYPE_CHECKING:
    from ci.engine.recipes import Recipe, RecipeBook
    from ci.engine.store import Store

PYPI = "https://pypi.org/simple/"
DEBIAN = "http://deb.debian.org/debian"
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
APT_SOURCES = Path("/etc/apt")
FROM = re.compile(r"""(?:\.from_\(\s*|\bBASE\s*=\s*)["']([^"'{}\s]+)["']""")
LOCK = re.compile(r"requirements[\w.-]*\.txt|.*\.lock")
PINNED = re.compile(r"[A-Za-z0-9][\w.-]*(\[[^]]*\])?==\S+")
ELSEWHERE = re.compile(r"(?:^|@\s*)(?:git\+|https?://|file:)")
SKIPPED = {".git", ".venv", "node_modules", "__pycache__", "sdk"}
DIGEST_SHOWN = 19  # `sha256:` and twelve characters


@dataclass(frozen=True)
class Project:
    """The repository that is looked at: its root, and the module's source folder."""

    root: Path
    book: "RecipeBook"

    def images(self) -> list[str]:
        """The base images that its Python files name, and those of its settings."""
        found = {
            match[1] for path in self._files(".py") if "tests" not in path.parts for match in FROM.finditer(_text(path))
        }
        return sorted(found | set(self.book.own))

    def locks(self) -> Iterator[tuple[Path, list[str]]]:
        """Its lock files with their requirements, one a line."""
        for path in self._files(".txt", ".lock"):
            if LOCK.fullmatch(path.name):
                lines = (line.split(" #")[0].rstrip("\\ ").strip() for line in _text(path).splitlines())
                yield (
                    path.relative_to(self.root),
                    [line for line in lines if line and not line.startswith(("#", "--", "-r"))],
                )

    def _files(self, *endings: str) -> Iterator[Path]:
        for folder, names, files in os.walk(self.root):
            names[:] = sorted(name for name in names if name not in SKIPPED and not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(files) if name.endswith(endings))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def image(reference: str, project: Project, docker_api: Any, store: "Store", offline: bool) -> Finding:
    """Where a base image comes from, and its digest: Docker's own store, a registry or mirror, or a recipe."""
    name = f"image {reference}"
    recipe = project.book.find(reference)
    if found := _local(reference, recipe, docker_api):
        return ok(name, f"local, {found}")
    if found := _registry(reference, project, store, offline):
        return ok(name, found)
    if recipe is not None:
        return ok(name, f"recipe: Debian {recipe.suite} with {', '.join(recipe.packages) or 'nothing more'}")
    todo = f'pull it, name a mirror in CUTOVER_REGISTRY_MIRRORS, or add a recipe [tool.cutover.images."{reference}"]'
    return red(name, "neither local nor at a registry, and no recipe makes it", todo)


def _local(reference: str, recipe: "Recipe | None", docker_api: Any) -> str:
    from ci.engine.images import KEPT_IN_TAG, RECIPE_REPOSITORY

    tags = [reference, *([f"{RECIPE_REPOSITORY}:{recipe.key[:KEPT_IN_TAG]}"] if recipe else [])]
    for tag in tags:
        if (row := docker_api.image(tag)) is not None:
            digests: list[str] = row.get("RepoDigests") or []
            made = "" if tag == reference else ", made by its recipe"
            return f"{(digests[0].partition('@')[2] if digests else row['Id'])[:DIGEST_SHOWN]}{made}"
    return ""


def _registry(reference: str, project: Project, store: "Store", offline: bool) -> str:
    """The registry that gives an image, with its digest; offline only mirrors are asked. Nothing where none has it."""
    from ci.engine import network, platforms, references
    from ci.engine.pulls import Mirrors, Pulls
    from ci.engine.registry_auth import lookup

    parsed = references.parse(reference)
    with network.http_session() as http:
        mirrors = Mirrors.of(network.mirrors(project.book.mirrors))
        pulls = Pulls(store, Mirrors.of(()), http, silent_seconds=ANSWER_SECONDS)
        for at in [*mirrors.urls(parsed.registry), *([] if offline else [""])]:
            with contextlib.suppress(EngineError):
                digest = pulls.find(parsed, platforms.native(), lookup(()), at).digest
                return f"{f'mirror {without_password(at)}' if at else 'registry'}, {digest[:DIGEST_SHOWN]}"
    return ""


def indexes(machine: Machine) -> list[Finding]:
    """The package indexes, asked through the environment's proxies with its certificates."""
    wanted = {"index of PyPI": python_index(machine.environ), "mirror of Debian": debian_mirror()}
    return [_index(machine, name, url) for name, url in wanted.items()]


def _index(machine: Machine, name: str, url: str) -> Finding:
    shown = without_password(url)
    if reason := machine.answered(url):
        return red(name, f"{shown} does not answer: {reason}", "look at the proxy and the certificates above")
    return ok(name, shown)


def python_index(environ: Mapping[str, str]) -> str:
    """The index that pip and uv ask."""
    return next((environ[name] for name in INDEX_VARIABLES if environ.get(name)), PYPI)


def debian_mirror(folder: Path = APT_SOURCES) -> str:
    """The first mirror in apt's sources, Debian's own where there is none."""
    for path in (folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))):
        if path.suffix in (".list", ".sources") and path.is_file():
            for line in _text(path).splitlines():
                if match := re.match(r"(?:URIs:|deb\s+(?:\[[^]]*\]\s+)?)\s*(https?://\S+)", line.strip()):
                    return match[1]
    return DEBIAN


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return re.sub(r"//[^@/]+@", "//***@", url)


def locked(project: Project, machine: Machine) -> list[Finding]:
    """Each lock file: how many packages it pins, and whether all come from the index."""
    index = without_password(python_index(machine.environ))
    return [_lock(path, lines, index) for path, lines in project.locks()]


def _lock(path: Path, lines: list[str], index: str) -> Finding:
    name = f"lock {path}"
    elsewhere = [line for line in lines if ELSEWHERE.search(line)]
    loose = [line for line in lines if not PINNED.match(line) and line not in elsewhere]
    if elsewhere:
        return red(name, f"{elsewhere[0].split()[0]} comes from elsewhere than the index", "publish it to the index")
    if loose:
        return red(name, f"{loose[0].split()[0]} is not pinned", "lock it: `uv pip compile --generate-hashes`")
    return ok(name, f"{len(lines)} packages from {index}")


def recipes(project: Project, images: list[str]) -> list[Finding]:
    """The Debian packages that the recipes of the images install."""
    mirror = without_password(debian_mirror())
    return [
        ok(f"recipe {name}", f"Debian {recipe.suite}: {len(recipe.packages)} packages and theirs from {mirror}")
        for name in images if (recipe := project.book.find(name)) is not None
    ]  # fmt: skip
