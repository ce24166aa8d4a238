"""One build from a commit to its artifacts: a straight sequence."""

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ci.codebuild import checkout, collect, values
from ci.codebuild.container import Shape, started
from ci.codebuild.parse import parse
from ci.codebuild.phases import Commands, Outcome, run_phases
from ci.codebuild.values import Given, Vault
from ci.engine.docker_api import Docker
from ci.engine.store import Store

TIMEOUT_SECONDS = 3600.0  # CodeBuild's own
KEPT_BUILDS = 10


@dataclass(frozen=True)
class Request:
    """What is to be built: a commit of a repository of this machine, by a buildspec of its own.

    Attributes:
        endpoint: AWS on this machine, as `http://127.0.0.1:4566`; empty for none.
        seconds: after which the build is stopped.
    """

    repository: Path
    commit: str = "HEAD"
    buildspec: str = "infra/buildspec.yml"
    given: Given = field(default_factory=Given)
    endpoint: str = ""
    seconds: float = TIMEOUT_SECONDS


@dataclass(frozen=True)
class Place:
    """Where builds keep what they leave (`builds`), and what their caches hold (`caches`; None: they start cold)."""

    builds: Path
    caches: Path | None = None


@dataclass(frozen=True)
class Built:
    """A build that was carried out, and what it left below `folder`."""

    id: str
    commit: str
    folder: Path
    outcome: Outcome
    exported: Mapping[str, str]
    artifacts: Mapping[str, list[Path]]
    reports: Mapping[str, list[Path]]


@dataclass(frozen=True)
class Host:
    """What builds are carried out with: Docker, the store whose locks guard it, a vault; `say` is given output."""

    docker: Docker
    store: Store
    vault: Vault
    say: Callable[[str], None]


def build(request: Request, place: Place, host: Host) -> Built:
    """Carry out a build; one that fails gives its outcome all the same.

    Raises:
        CodeBuildError: it cannot be begun, or took too long.
        EngineError: Docker refused.
    """
    name = str(uuid.uuid4())
    folder = place.builds / name
    work = folder / "work"
    work.mkdir(parents=True)
    try:
        return _carried_out(request, place, host, name)
    finally:
        _remove_images(host.docker, work)
        shutil.rmtree(work, ignore_errors=True)
        _forget(place.builds, folder)


def _carried_out(request: Request, place: Place, host: Host, name: str) -> Built:
    folder = place.builds / name
    work, source = folder / "work", folder / "work" / "src"
    taken = checkout.clean(request.repository, request.commit, source)
    spec = parse(checkout.buildspec(taken, request.buildspec), request.buildspec)
    found = values.fetched(spec.variables, request.given, host.vault)
    own = values.codebuild(request.given, name, taken, time.time())
    shape = Shape(work, _caches(spec.cached, place.caches), spec.variables.shell, request.seconds)
    with started(host, shape, {**_own(request, work), **found.environment, **own}, found.secrets) as inside:
        inside.prepare(source)
        try:
            outcome = run_phases(spec, Commands(inside.run, time.monotonic, lambda text: host.say(f"[{text}]\n")))
            exported = inside.exported(spec.variables.exported)
        finally:
            inside.give_back()
    left = collect.artifacts(source, spec.artifacts, folder)
    reports = collect.reports(source, spec.reports, folder / "reports")
    return Built(name, taken.commit, folder, outcome, exported, left, reports)


def _own(request: Request, work: Path) -> dict[str, str]:
    """What every build of ours has: folders of its own that Docker finds at the same path, and AWS on this machine."""
    own = {
        "XDG_CACHE_HOME": str(work / "cache"),
        "XDG_STATE_HOME": str(work / "state"),
        "TMPDIR": str(work / "scratch"),
    }
    for path in own.values():
        Path(path).mkdir(exist_ok=True)
    if request.endpoint:
        keys = {"AWS_ACCESS_KEY_ID": "cutover", "AWS_SECRET_ACCESS_KEY": "cutover", "AWS_SESSION_TOKEN": "cutover"}
        own |= {"AWS_ENDPOINT_URL": request.endpoint, **keys}
    return own


def _caches(paths: tuple[str, ...], place: Path | None) -> dict[str, Path]:
    """Where the folders of the buildspec's cache lie on this machine."""
    if place is None:
        return {}
    found = {}
    for path in paths:
        inside = path.partition("*")[0].rstrip("/")
        found[inside] = place / inside.strip("/").replace("/", "_")
        found[inside].mkdir(parents=True, exist_ok=True)
    return found


def _remove_images(docker: Docker, work: Path) -> None:
    """Remove the images of the store that the build had for itself."""
    root = work / "cache" / "cutover"
    if not root.is_dir():
        return
    own = Store(root).id
    for image in sorted(docker.kept_images(), key=lambda row: -row.created):
        if image.store == own:
            docker.remove_image(image.id)


def _forget(builds: Path, last: Path) -> None:
    """Keep what the last builds left, and no more; nothing of a build that left nothing."""
    with contextlib.suppress(OSError):
        last.rmdir()
    folders = sorted((each for each in builds.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    for folder in folders[:-KEPT_BUILDS]:
        shutil.rmtree(folder, ignore_errors=True)
