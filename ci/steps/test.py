"""The service's tests: pytest over the locked dependencies, JUnit and coverage out, a floor for the coverage."""

import dagger
from dagger import dag

from ci.settings import Settings
from ci.steps import image

NONE = "no tests are set: [tool.cutover] tests is empty\n"
REPORT = "/report"
SOURCE = "/src"


def _steps(source: dagger.Directory, settings: Settings, expect: dagger.ReturnType) -> dagger.Container:
    measured = sorted(
        {pattern.lstrip("!").partition("/")[0] for pattern in settings.include if not pattern.startswith(("!", "*"))}
    )
    return (
        image.dependencies(source, settings.python, settings.test_lock or settings.lock)
        .with_directory(SOURCE, source.filter(include=[*settings.include, *settings.tests, "pyproject.toml"]))
        .with_workdir(SOURCE)
        .with_(lambda container: image.importable(container, SOURCE, settings))
        .with_env_variable("COVERAGE_FILE", "/tmp/.coverage")
        .with_exec(["mkdir", "-p", REPORT])
        .with_exec(
            [
                f"{image.VENV}/bin/python", "-m", "pytest", *settings.tests, "-o", "addopts=", "-o",
                "cache_dir=/tmp/pytest",
                f"--junitxml={REPORT}/junit.xml", *(f"--cov={name}" for name in measured or ["."]), "--cov-report=term",
                f"--cov-report=xml:{REPORT}/coverage.xml", f"--cov-report=html:{REPORT}/coverage",
                f"--cov-fail-under={settings.coverage}",
            ],
            expect=expect,
        )
    )  # fmt: skip


async def run(source: dagger.Directory, settings: Settings) -> str:
    """What pytest printed; where the settings name no tests, a line that says so.

    Raises:
        dagger.ExecError: a test failed, or the coverage is below the floor; the exit code is pytest's.
    """
    if not settings.tests:
        return NONE
    return await _steps(source, settings, dagger.ReturnType.SUCCESS).stdout()


def report(source: dagger.Directory, settings: Settings) -> dagger.Directory:
    """`junit.xml`, `coverage.xml` and `coverage/` (HTML), whatever the tests' verdict; `none.txt` without tests."""
    if not settings.tests:
        return dag.directory().with_new_file("none.txt", NONE)
    return _steps(source, settings, dagger.ReturnType.ANY).directory(REPORT)
