"""The service's tests: pytest or a command over the locked dependencies, JUnit (pytest's) and coverage out, a floor."""

from dataclasses import asdict

import dagger
from dagger import dag

from ci.report import gates, read
from ci.report.facts import Limits
from ci.settings import Settings
from ci.steps import image, services, stage

NONE = "no tests are set: [tool.cutover] tests is empty\n"
REPORT = stage.REPORT
SOURCE = "/src"
SOME_FAILED = (
    1  # pytest's, also of coverage below the floor: https://docs.pytest.org/en/stable/reference/exit-codes.html
)


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
    return [
        "pytest", *settings.tests, "-o", "addopts=", "-o", "cache_dir=/tmp/pytest",
        f"--junitxml={REPORT}/junit.xml", *(f"--cov={name}" for name in measured(settings)), "--cov-report=term",
        f"--cov-report=xml:{REPORT}/coverage.xml",
        f"--cov-report=html:{REPORT}/coverage", f"--cov-fail-under={settings.coverage}",
    ]  # fmt: skip


def measured(settings: Settings) -> list[str]:
    """What coverage is measured of: the upper folders and single modules that go into the image, else all."""
    patterns = [pattern for pattern in settings.include if not pattern.startswith(("!", "*"))]
    return sorted({pattern.partition("/")[0].removesuffix(".py") for pattern in patterns}) or ["."]


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
        StoppedError: fewer passed than `pass-rate` asks for, or the coverage is below the floor.
    """
    if not settings.tests:
        return NONE
    if settings.gates.pass_rate < gates.ALL and not settings.test_command:
        ended = _steps(source, settings, dagger.ReturnType.ANY)
        if await ended.exit_code() == SOME_FAILED:
            await _judged(ended, settings)
            return await ended.stdout()
    return await _steps(source, settings, dagger.ReturnType.SUCCESS).stdout()


async def _judged(ended: dagger.Container, settings: Settings) -> None:
    """By the gates, of tests that ran to their end and did not all pass."""
    cases = read.junit(await ended.file(f"{REPORT}/junit.xml").contents())
    percent, _ = read.cobertura(await ended.file(f"{REPORT}/coverage.xml").contents())
    judged = gates.judge(cases, percent, None, {}, Limits(settings.gates.pass_rate, settings.coverage))
    if stopped := [asdict(gate) for gate in judged if gate.outcome == gates.STOPS]:
        raise gates.StoppedError(stopped)


def report(source: dagger.Directory, settings: Settings) -> dagger.Directory:
    """`junit.xml` (of pytest), `coverage.xml` and `coverage/` (HTML), whatever the verdict; else `none.txt`."""
    if not settings.tests:
        return dag.directory().with_new_file("none.txt", NONE)
    return _steps(source, settings, dagger.ReturnType.ANY).directory(REPORT)
