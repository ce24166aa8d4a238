"""The service's code, judged without running it: ruff, and mypy where the service has settings for it.

The service's own ruff and mypy are taken where its lock for the tests has them, else ours. Both print
`FILE:LINE:COLUMN: ...`, which is what the report reads, of other commands too.
"""

import configparser
import re
import tomllib
from collections.abc import Mapping

import dagger
from dagger import dag

from ci.settings import Settings
from ci.steps import image, stage

SOURCE, TOOLS = "/src", "/tools"
CODE = ("**/*.py", "**/*.pyi", "**/py.typed", "**/pyproject.toml")
RUFF_SETTINGS = ("**/ruff.toml", "**/.ruff.toml")
MYPY_SETTINGS = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")  # in mypy's own order
MYPY_CACHE = "/var/cache/mypy"
RUFF = ("ruff", "check", "--no-cache", "--output-format", "concise")
MYPY = ("mypy", "--cache-dir", MYPY_CACHE, "--show-column-numbers", "--no-pretty", "--python-executable",
        f"{image.VENV}/bin/python")  # fmt: skip
LINT_OFF = "not linted: [tool.cutover] lint is empty\n"
TYPES_OFF = "types are not checked: [tool.cutover] types is empty\n"
NO_SETTINGS = f"types are not checked: there are no settings of mypy in {', '.join(MYPY_SETTINGS)}\n"

Judged = dagger.Container | str  # the stage's container, or the line that says why there is none


async def lint(source: dagger.Directory, settings: Settings, expect: dagger.ReturnType) -> Judged:
    """Ruff over the files of the setting `lint`, or `lint-command`."""
    code = source.filter(include=[*CODE, *RUFF_SETTINGS])
    if settings.lint_command:
        return _by_command(source, settings, "lint", settings.lint_command, expect)
    if not settings.lint:
        return LINT_OFF
    if await _locked(source, settings, "ruff"):
        container = _own(source, settings)
    else:
        container = _with_tools(image.base(settings.python))
    return stage.run(_at(container, code), "lint", [*RUFF, *settings.lint], expect)


async def types(source: dagger.Directory, settings: Settings, expect: dagger.ReturnType) -> Judged:
    """Mypy over the files of the setting `types`, or what its own settings name, or `types-command`."""
    if settings.types_command:
        return _by_command(source, settings, "types", settings.types_command, expect)
    if settings.types is not None and not settings.types:
        return TYPES_OFF
    wanted = settings.types or targets(await _mypy_settings(source))
    if wanted is None:
        return NO_SETTINGS
    container = _own(source, settings)
    if not await _locked(source, settings, "mypy"):
        container = _with_tools(container)
    # What mypy knows of files that did not change; it goes by their content.
    container = container.with_mounted_cache(MYPY_CACHE, dag.cache_volume("mypy"))
    code = source.filter(include=[*CODE, *MYPY_SETTINGS])
    return stage.run(_at(container, code), "types", [*MYPY, *wanted], expect)


async def told(judged: Judged) -> str:
    """What a stage printed, or why there is none.

    Raises:
        dagger.ExecError: it found something; the exit code is the tool's.
    """
    return judged if isinstance(judged, str) else await judged.stdout()


def report(judged: Judged) -> dagger.Directory:
    """The stage's files, or `none.txt`."""
    if isinstance(judged, str):
        return dag.directory().with_new_file("none.txt", judged)
    return judged.directory(stage.REPORT)


def targets(files: Mapping[str, str]) -> list[str] | None:
    """What mypy is to be given by its settings in these files: nothing where they name it themselves, else `.`; None
    where there are no settings. The first file that has some counts, as for mypy itself."""
    for name in MYPY_SETTINGS:
        table = _table(name, files[name]) if name in files else None
        if table is not None:
            return [] if {"files", "packages", "modules"} & set(table) else ["."]
    return None


def _table(name: str, text: str) -> Mapping[str, object] | None:
    if name.endswith(".toml"):
        found = tomllib.loads(text).get("tool", {}).get("mypy")
        return found if isinstance(found, dict) else None
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return dict(parser.items("mypy")) if parser.has_section("mypy") else None


def locks(text: str, package: str) -> bool:
    """Whether a lock file has a package."""
    return re.search(rf"^{re.escape(package)}==", text, re.MULTILINE | re.IGNORECASE) is not None


async def _mypy_settings(source: dagger.Directory) -> dict[str, str]:
    there = set(await source.entries())
    return {name: await source.file(name).contents() for name in MYPY_SETTINGS if name in there}


async def _locked(source: dagger.Directory, settings: Settings, package: str) -> bool:
    return locks(await source.file(settings.test_lock or settings.lock).contents(), package)


def _own(source: dagger.Directory, settings: Settings) -> dagger.Container:
    return image.dependencies(source, settings, settings.test_lock or settings.lock)


def _with_tools(container: dagger.Container) -> dagger.Container:
    """With our ruff and mypy, in an environment of their own."""
    lock = dag.current_module().source().file("ci/steps/lint-requirements.txt")
    install = ["python", "-m", "pip", "--python", f"{TOOLS}/bin/python", "install", "--no-deps", "--require-hashes"]
    return (
        container.with_exec(["python", "-m", "venv", "--without-pip", TOOLS])
        .with_mounted_cache("/root/.cache/pip", dag.cache_volume("pip"))
        .with_file("/tmp/tools.txt", lock)
        .with_exec([*install, "--requirement", "/tmp/tools.txt"])
    )


def _by_command(source: dagger.Directory, settings: Settings, name: str, words: tuple[str, ...],
                expect: dagger.ReturnType) -> dagger.Container:  # fmt: skip
    """The service's own command in the environment of its tests, over all of its files."""
    container = image.variables(_own(source, settings), {**settings.env, **settings.test_env})
    container = image.importable(_at(container, source), SOURCE, settings)
    return stage.run(container, name, words, expect)


def _at(container: dagger.Container, code: dagger.Directory) -> dagger.Container:
    path = f"{image.VENV}/bin:{TOOLS}/bin:/usr/local/bin:/usr/bin:/bin"
    return container.with_env_variable("PATH", path).with_directory(SOURCE, code).with_workdir(SOURCE)
