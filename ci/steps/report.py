"""The report: the stages' files beside each other, whatever the verdict, one document and one page of them."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field

import anyio
import dagger
from dagger import dag

from ci.report.facts import Asked, Limits
from ci.report.gates import STOPS, StoppedError
from ci.settings import Settings
from ci.steps import image

ROOT, FOLDER, ASKED = "/opt/cutover", "/report", "/opt/asked.json"
NEEDED = ["ci/__init__.py", "ci/errors.py", "ci/report/*", "ci/release/*.py"]
DOCUMENT, SIZES = "report.json", "image.json"

Making = Callable[[], Awaitable[dagger.Directory]]


@dataclass
class Made:
    """What the stages gave: their files, how long each was waited for, and why some gave none."""

    files: dict[str, dagger.Directory] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


async def made(stages: Mapping[str, Making]) -> Made:
    """The files of all stages, made at once; a stage that cannot be carried out ends no other."""
    found = Made()

    async def make(name: str, stage: Making) -> None:
        start = time.monotonic()
        try:
            found.files[name] = await (await stage()).sync()
        except dagger.QueryError as error:
            found.broken[name] = str(error)
        found.waited[name] = time.monotonic() - start

    async with anyio.create_task_group() as group:
        for name, stage in stages.items():
            group.start_soon(make, name, stage)
    return found


def sizes(canonical: dagger.Container) -> dagger.Directory:
    """The image stage's files: its record, and what takes the room in the image."""
    words = ["python", "-m", "ci.report.image", image.ARCHIVE, f"{FOLDER}/{SIZES}"]
    measured = _ours(image.base()).with_mounted_file(image.ARCHIVE, canonical.file(image.ARCHIVE))
    return measured.with_directory(FOLDER, canonical.directory(FOLDER)).with_exec(words).directory(FOLDER)


def limits(settings: Settings) -> Limits:
    """The gates' limits, by the settings."""
    return Limits(settings.gates.pass_rate, settings.coverage, settings.gates.image_megabytes)


def written(stages: Made, asked: Asked, changelog: str) -> dagger.Directory:
    """The report: a folder a stage, `report.json` and `index.html`."""
    told = json.dumps(asdict(asked), sort_keys=True)
    folder = dag.directory().with_new_file("changelog.md", changelog)
    for name, files in sorted(stages.files.items()):
        folder = folder.with_directory(name, files)
    return (
        _with_tools(image.base())
        .with_(_ours)
        .with_directory(FOLDER, folder)
        .with_new_file(ASKED, told)
        .with_exec(["python", "-m", "ci.report", ASKED, FOLDER])
        .directory(FOLDER)
    )


async def passed(report: dagger.Directory) -> str:
    """A line for each gate of a report.

    Raises:
        StoppedError: some stop a release; each is named.
    """
    gates = json.loads(await report.file(DOCUMENT).contents())["gates"]
    if stopped := [gate for gate in gates if gate["outcome"] == STOPS]:
        raise StoppedError(stopped)
    return "".join(f"{gate['name']}: {gate['why']}\n" for gate in gates)


def _with_tools(container: dagger.Container) -> dagger.Container:
    lock = dag.current_module().source().file("ci/report/requirements.txt")
    install = ["python", "-m", "pip", "install", "--root-user-action=ignore", "--no-deps", "--require-hashes"]
    return (
        container.with_mounted_cache("/root/.cache/pip", dag.cache_volume("pip"))
        .with_file("/tmp/requirements.txt", lock)
        .with_exec([*install, "-r", "/tmp/requirements.txt"])
    )


def _ours(container: dagger.Container) -> dagger.Container:
    """With this package, importable."""
    module = dag.current_module().source().filter(include=NEEDED)
    return container.with_directory(ROOT, module).with_env_variable("PYTHONPATH", ROOT)
