"""A look at a repository: every value that the settings need, each with where it was found or that it is a guess."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ci.detect import django, flask
from ci.detect.applications import Application, applications
from ci.detect.dependencies import LOCK, RELOCK, Dependencies, dependencies, names, unfound
from ci.detect.files import TESTS, python_files, text
from ci.detect.routes import health, likely, routes
from ci.errors import CutoverError

NO_HEALTH = "no route is named as a health check; it must answer 200 without a login or a database"
PORT = 8080
IMAGE_PYTHON = "3.13"  # the settings' default
BUILT_IN = ("3.13", "3.11")  # the engine makes these base images itself
PYTEST = "pytest, which runs unittest's too"
TEST_LOCK = "requirements-test.lock"
TEST_TOOLS = ("pytest", "pytest-cov")
PROCFILE = re.compile(r"^web:.*\bgunicorn\b(.*)$", re.MULTILINE)
TARGET = re.compile(r"(?<![\w./=])([A-Za-z_][\w.]*):([A-Za-z_]\w*(?:\(\))?)(?=['\"\s]|$)")
BIND = re.compile(r"(?:-b|--bind)[ =]\S*:(\d{4,5})\b")
EXPOSE = re.compile(r"^EXPOSE\s+(\d{4,5})\b", re.MULTILINE | re.IGNORECASE)
PYTHONS = (
    (".python-version", re.compile(r"^(3\.\d+)", re.MULTILINE)),
    ("runtime.txt", re.compile(r"python-(3\.\d+)")),
    ("Dockerfile", re.compile(r"^FROM\s+(?:\S*/)?python:(3\.\d+)", re.MULTILINE | re.IGNORECASE)),
)


class NoApplicationError(CutoverError):
    """No WSGI application is in the repository, as far as its syntax tells."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            f"no WSGI application in {root}: looked for Flask(), get_wsgi_application(), create_app() and so on; "
            'write it yourself as [tool.cutover] wsgi = "module:application"'
        )


@dataclass(frozen=True)
class Fact:
    """One value, as it is told: `guessed` where the repository does not say it."""

    what: str
    value: str
    why: str
    guessed: bool = False


@dataclass(frozen=True)
class Repository:
    """What was found; `health` and `home` are paths that are answered, None where none is known."""

    application: Application
    port: int
    health: str | None
    home: bool
    tests: tuple[str, ...]
    dependencies: Dependencies | None
    python: str
    tools_locked: bool
    test_command: str | None
    before: tuple[str, ...]
    facts: tuple[Fact, ...]

    @property
    def lock(self) -> str:
        """The lock file with hashes, there or to be made, from the repository's root."""
        return self.dependencies.file if self.dependencies and self.dependencies.hashed else LOCK

    @property
    def requirements(self) -> str | None:
        """The file that the lock is made of, where it is in another folder and so does not go without saying."""
        file = self.dependencies.file if self.dependencies and not self.dependencies.hashed else ""
        return file if file.count("/") and not file.startswith("requirements/") else None

    @property
    def test_lock(self) -> str | None:
        """The lock file of the tests: the service's own where that has the test tools already, None without tests."""
        if not self.tests:
            return None
        return self.lock if self.tools_locked else TEST_LOCK


def look(root: Path) -> Repository:
    """Look at the repository in `root`.

    Raises:
        NoApplicationError: there is no application.
    """
    found = applications(root)
    application, from_procfile = _chosen(root, found)
    port, port_fact = _port(root)
    answered = routes(root)
    named = health(answered)
    path = named or likely(answered)
    tests = _tests(root)
    needed = dependencies(root)
    python, python_fact = _python(root)
    command, before = (
        django.test_command(root) if tests else None,
        django.before(root) or flask.before(root, application),
    )
    static = tuple(Fact("before", line, "makes what the image needs, by the service's own words") for line in before)
    facts = (
        *static,
        _application_fact(application, found, from_procfile),
        python_fact,
        _dependencies_fact(needed, unfound(root)),
        _tests_fact(tests, command),
        port_fact,
        Fact("health", path or "/", "a route of this name" if named else NO_HEALTH, not named),
    )
    locked = needed is not None and needed.hashed and all(names(root / needed.file, name) for name in TEST_TOOLS)
    return Repository(
        application, port, path, "/" in answered, tests, needed, python, locked, command, before, facts
    )  # fmt: skip


def _chosen(root: Path, found: list[Application]) -> tuple[Application, bool]:
    """The application, and whether the Procfile names it."""
    command = PROCFILE.search(text(root / "Procfile"))
    target = TARGET.search(command[1]) if command else None
    named = next((row for row in found if target and row.wsgi == target[0]), None)
    if named:
        return named, True
    if target and (root / (target[1].replace(".", "/") + ".py")).is_file():
        return Application(target[0], "", target[1].replace(".", "/") + ".py", "an application", ()), True
    if not found:
        raise NoApplicationError(root)
    return found[0], False


def _application_fact(application: Application, found: list[Application], from_procfile: bool) -> Fact:
    if from_procfile:
        return Fact("wsgi", application.wsgi, "the Procfile's web process")
    others = [row.wsgi for row in found if row != application]
    also = f"; also there: {', '.join(others[:3])}" if others else ""
    return Fact("wsgi", application.wsgi, f"{application.kind} in {application.file}{also}", bool(others))


def _port(root: Path) -> tuple[int, Fact]:
    for name, pattern in (("Procfile", BIND), ("Dockerfile", EXPOSE)):
        match = pattern.search(text(root / name))
        if match and int(match[1]) <= 65535:
            return int(match[1]), Fact("port", match[1], name)
    return PORT, Fact("port", str(PORT), "the image's own gunicorn listens there")


def _python(root: Path) -> tuple[str, Fact]:
    """The Python of the image: the repository's where a base image of it is built in, which needs no registry."""
    for name, pattern in PYTHONS:
        match = pattern.search(text(root / name))
        if match and match[1] in BUILT_IN:
            return match[1], Fact("python", match[1], name)
        if match:
            why = f'{name} says {match[1]}; python = "{match[1]}" takes it, where a registry has python:{match[1]}-slim'
            return IMAGE_PYTHON, Fact("python", IMAGE_PYTHON, why, guessed=True)
    return IMAGE_PYTHON, Fact("python", IMAGE_PYTHON, "the image's; the repository names none", guessed=True)


def _dependencies_fact(needed: Dependencies | None, why: str | None) -> Fact:
    if needed is None:
        return Fact("dependencies", "none", why or "no requirements, lock or [project] dependencies", why is None)
    return Fact("dependencies", needed.file, "pinned by hash" if needed.hashed else f"to be locked: {RELOCK}")


def _tests_fact(tests: tuple[str, ...], command: str | None) -> Fact:
    if not tests:
        return Fact("tests", "none", "no file is named test_*.py: a release runs none")
    return Fact("tests", ", ".join(tests), f"run by {command or PYTEST}")


def _tests(root: Path) -> tuple[str, ...]:
    """The folders and files that pytest is given: the outermost folder of tests of each, else the file."""
    files = (
        path
        for path in python_files(root)
        if path.stem.startswith("test_")
        or path.stem.endswith("_test")
        or (path.name == "tests.py" and django.is_project(root))
    )
    return tuple(dict.fromkeys(_outermost(path) for path in files))


def _outermost(path: Path) -> str:
    for number, part in enumerate(path.parts[:-1]):
        if part in TESTS:
            return Path(*path.parts[: number + 1]).as_posix()
    return path.as_posix()


def told(facts: tuple[Fact, ...]) -> Iterator[str]:
    """The facts as lines of two columns, guesses marked."""
    width = max(len(fact.what) for fact in facts)
    for fact in facts:
        yield f"{fact.what:{width}}  {fact.value}  ({'guessed: ' if fact.guessed else ''}{fact.why})"
