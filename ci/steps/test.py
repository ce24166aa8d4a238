"""The service's tests: pytest or a command over the locked dependencies, JUnit (pytest's) and coverage out, a floor."""

import dagger
from dagger import dag

from ci.settings import Settings
from ci.steps import image, services, stage

NONE = "no tests are set: [tool.cutover] tests is empty\n"
REPORT = stage.REPORT
SOURCE = "/src"


def _steps(source: dagger.Directory, settings: Settings, expect: dagger.ReturnType) -> dagger.Container:
    container = _prepared(source, settings)
    for words in _by_command(settings) if settings.test_command else [_by_pytest(settings)]:
        container = stage.run(container, "test", [f"{image.VENV}/bin/python", "-m", *words], expect)
    return container


def _prepared(source: dagger.Directory, settings: Settings) -> dagger.Container:
    """The service with its tests, the services that they talk to bound, the variables set."""
    container = (
        image.dependencies(source, settings, settings.test_lock or settings.lock)
        .with_directory(SOURCE, source.filter(include=[*settings.include, *settings.tests, "pyproject.toml"]))
        .with_workdir(SOURCE)
        .with_(lambda container: image.importable(container, SOURCE, settings))
        .with_env_variable("COVERAGE_FILE", "/tmp/.coverage")
        .with_exec(["mkdir", "-p", REPORT])
    )
    for name in settings.services:
        container = services.bind(container, name)
    return image.variables(container, {**settings.env, **settings.test_env})


def _by_pytest(settings: Settings) -> list[str]:
    measured = sorted(
        {pattern.lstrip("!").partition("/")[0] for pattern in settings.include if not pattern.startswith(("!", "*"))}
    )
    return [
        "pytest", *settings.tests, "-o", "addopts=", "-o", "cache_dir=/tmp/pytest",
        f"--junitxml={REPORT}/junit.xml", *(f"--cov={name}" for name in measured or ["."]), "--cov-report=term",
        f"--cov-report=xml:{REPORT}/coverage.xml",
        f"--cov-report=html:{REPORT}/coverage", f"--cov-fail-under={settings.coverage}",
    ]  # fmt: skip


def _by_command(settings: Settings) -> list[list[str]]:
    """The service's own way to run its tests, measured, and the reports of what it covered."""
    return [
        ["coverage", "run", "--source=.", *settings.test_command[1:]],
        ["coverage", "xml", "-o", f"{REPORT}/coverage.xml"],
        ["coverage", "html", "-d", f"{REPORT}/coverage"],
        ["coverage", "report", f"--fail-under={settings.coverage}"],
    ]


async def run(source: dagger.Directory, settings: Settings) -> str:
    """What pytest printed, or the coverage of `test-command`; where the settings name no tests, a line that says so.

    Raises:
        dagger.ExecError: a test failed, or the coverage is below the floor; the exit code is theirs.
    """
    if not settings.tests:
        return NONE
    return await _steps(source, settings, dagger.ReturnType.SUCCESS).stdout()


def report(source: dagger.Directory, settings: Settings) -> dagger.Directory:
    """`junit.xml` (of pytest), `coverage.xml` and `coverage/` (HTML), whatever the verdict; else `none.txt`."""
    if not settings.tests:
        return dag.directory().with_new_file("none.txt", NONE)
    return _steps(source, settings, dagger.ReturnType.ANY).directory(REPORT)
