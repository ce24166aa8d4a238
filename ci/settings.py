"""`[tool.cutover]` of a pyproject.toml: read once, every value checked, for an unknown key the nearest named."""

import difflib
import math
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ci.errors import CutoverError

TABLE = "tool.cutover"
INSIDE = "of the repository, given from its root"
STRATEGIES = ("blue-green", "canary", "linear")
INCONCLUSIVE = ("wait", "continue", "rollback")
# What ECS takes: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
MOST_BAKE_MINUTES = 1440
CANARY_PERCENT, STEP_PERCENT = (0.1, 99.9), (3.0, 100.0)
WSGI = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(\(.*\))?")  # as gunicorn takes it
URL_PATH = re.compile(r"/[!-~]*")
# As the templates in infra/templates take them: names of load balancers are short.
PREFIX = re.compile(r"[a-z][a-z0-9-]{0,14}[a-z0-9]")
ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,11}")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+")  # https://www.debian.org/doc/debian-policy/ch-controlfields.html#source
TAGS = re.compile(r"[A-Za-z0-9][\w./-]*[/_-]", re.ASCII)
VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
SERVICES = ("postgresql", "redis")
COMMAND = 'a command that begins with python, such as "python manage.py test"'
PYTHON = re.compile(r"3\.\d{1,2}")
REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")


class SettingsError(CutoverError):
    """A setting that is missing, unknown or has a value that is not allowed."""


@dataclass(frozen=True)
class Smoke:
    """One request through the test listener and what must come back; `within` in seconds, None for any time."""

    path: str
    status: int = 200
    body: str | None = None
    within: float | None = None


@dataclass(frozen=True)
class Recipe:
    """A base image by recipe: a Debian suite, packages, and shell lines run in the finished root."""

    suite: str
    packages: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gates:
    """By what a deployment is judged: healthy targets in percent of the wanted, and for a canary the least requests a
    side, the percentage points of errors and the percent of latency that it may be worse, and what to do where the
    evidence does not suffice."""

    healthy_percent: float = 100.0
    requests: int = 300
    error_points: float = 2.0
    slower_percent: float = 50.0
    inconclusive: str = "wait"


@dataclass(frozen=True)
class Environment:
    """Where a service is deployed, and how: stacks are called PREFIX-NAME-CONCERN; bake times are ECS's, in minutes."""

    name: str
    region: str = "eu-north-1"
    prefix: str = "cutover"
    strategy: str = "blue-green"
    bake_minutes: int = 1
    canary_percent: float = 10.0
    canary_bake_minutes: int = 5
    step_percent: float = 20.0
    step_bake_minutes: int = 1
    alarms: tuple[str, ...] = ()
    approval: bool = False
    gates: Gates = field(default_factory=Gates)


@dataclass(frozen=True)
class Settings:
    """The whole table. `coverage` is the floor in percent; paths and patterns are relative to the repository."""

    name: str
    wsgi: str
    port: int = 8080
    health: str = "/health"
    include: tuple[str, ...] = ("**",)
    tests: tuple[str, ...] = ("tests",)
    coverage: int = 80
    lock: str = "requirements.txt"
    test_lock: str | None = None
    requirements: tuple[str, ...] = ()
    test_requirements: tuple[str, ...] = ()
    python: str = "3.13"
    apt: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    test_command: tuple[str, ...] = ()
    test_env: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    gunicorn: str | None = None
    python_path: str | None = None
    smoke: tuple[Smoke, ...] = (Smoke("/"),)
    acceptance: tuple[str, ...] = ()
    stable: bool = False
    minimal: bool = True
    tag_prefix: str = ""
    paths: tuple[str, ...] = ()
    images: Mapping[str, Recipe] = field(default_factory=dict)
    registry_mirrors: tuple[str, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Settings":
        """The settings in the text of a pyproject.toml.

        Raises:
            SettingsError: it is not TOML, or a setting is missing, unknown or not allowed.
        """
        document = _document(text)
        table = _inner(document, "tool").get("cutover")
        if table is None:
            raise SettingsError(f'pyproject.toml has no [{TABLE}]: add one with at least wsgi = "package:application"')
        return _settings(_Table(TABLE, table), str(_inner(document, "project").get("name", "service")))

    def environment(self, name: str) -> Environment:
        """The environment of this name; the only one there is where the name is empty.

        Raises:
            SettingsError: there is none, or the empty name could mean several.
        """
        if not name and len(self.environments) == 1:
            return next(iter(self.environments.values()))
        if name not in self.environments:
            known = ", ".join(sorted(self.environments)) or "none is set"
            raise SettingsError(f"[{TABLE}.environments] has no {name!r}; known: {known}")
        return self.environments[name]


def base_images(text: str) -> tuple[dict[str, Recipe], tuple[str, ...]]:
    """The base images by recipe and the registry mirrors in the text of a pyproject.toml, which need not have other
    settings.

    Raises:
        SettingsError: it is not TOML, or one of these is not as it must be.
    """
    table = _Table(TABLE, _inner(_document(text), "tool").get("cutover", {}))
    return {name: _recipe(row) for name, row in table.tables("images").items()}, table.texts("registry-mirrors", ())


def has_settings(text: str) -> bool:
    """Whether the text of a pyproject.toml has the table.

    Raises:
        SettingsError: it is not TOML.
    """
    return "cutover" in _inner(_document(text), "tool")


def _document(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"pyproject.toml is not TOML: {error}") from error


class _Table:
    """One table of the settings, its keys taken one by one so that what is left over is unknown."""

    def __init__(self, name: str, raw: Any) -> None:
        if not isinstance(raw, dict):
            raise SettingsError(f"[{name}] must be a table")
        self.name = name
        self._raw = dict(raw)
        self._known: list[str] = []

    def take(self, key: str, default: Any, allowed: str, valid: Callable[[Any], bool]) -> Any:
        """The value of `key`, checked; the default where it is left out (`...`: it must be there)."""
        self._known.append(key)
        if key not in self._raw:
            if default is ...:
                near = difflib.get_close_matches(key, self._raw, 1)
                hint = f"; {near[0]!r} is no key" if near else ""
                raise SettingsError(f"[{self.name}] must have {key}: {allowed}{hint}")
            return default
        value = self._raw.pop(key)
        if not valid(value):
            raise SettingsError(f"[{self.name}] {key} = {value!r} is not allowed: it must be {allowed}")
        return value

    def text(self, key: str, default: Any, allowed: str = "a text that is not empty") -> Any:
        """A text."""
        return self.take(key, default, allowed, lambda value: isinstance(value, str) and bool(value.strip()))

    def number(self, key: str, default: Any, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        allowed = f"a whole number from {least} to {most}"
        return int(self.take(key, default, allowed, lambda v: type(v) is int and least <= v <= most))

    def quantity(self, key: str, default: float, least: float, most: float) -> float:
        """A number from `least` to `most`, with or without a fraction."""
        allowed = f"a number from {least:g} to {most:g}"
        return float(self.take(key, default, allowed, lambda v: type(v) in (int, float) and least <= v <= most))

    def table(self, key: str) -> "_Table":
        """A table, empty where it is left out."""
        return _Table(f"{self.name}.{key}", self.take(key, {}, "a table", lambda value: isinstance(value, dict)))

    def texts(self, key: str, default: Sequence[str], empty: bool = True) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self.take(key, default, "a list of texts", lambda v: _is_texts(v) and (empty or bool(v))))

    def path(self, key: str, default: Any) -> Any:
        """A URL's path."""
        return self.take(key, default, "a URL's path, which starts with / and has no spaces", _matches(URL_PATH))

    def file(self, key: str, default: Any) -> Any:
        """A file of the repository."""
        return self.take(key, default, f"a file {INSIDE}", _is_inside)

    def files(self, key: str) -> tuple[str, ...]:
        """A list of files of the repository."""
        return tuple(
            self.take(key, [], f"a list of files {INSIDE}", lambda v: _is_texts(v) and all(map(_is_inside, v)))
        )

    def variables(self, key: str) -> dict[str, str]:
        """A table of environment variables."""
        allowed = 'a table of texts, as in { NAME = "value" }'
        return dict(self.take(key, {}, allowed, _is_variables))

    def tables(self, key: str) -> dict[str, "_Table"]:
        """A table of tables."""
        rows = self.take(key, {}, "a table", lambda value: isinstance(value, dict))
        return {name: _Table(f"{self.name}.{key}.{name}", row) for name, row in rows.items()}

    def rows(self, key: str) -> list["_Table"]:
        """An array of tables."""
        rows = self.take(key, [], f"an array of tables ([[{self.name}.{key}]])", lambda value: isinstance(value, list))
        return [_Table(f"{self.name}.{key}[{number}]", row) for number, row in enumerate(rows)]

    def done(self) -> None:
        """Refuse what nobody took."""
        for key in self._raw:
            near = difflib.get_close_matches(key, self._known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self._known)}"
            raise SettingsError(f"[{self.name}] has no key {key!r}; {hint}")


def _inner(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table of the document, empty where it is left out."""
    table = document.get(key, {})
    if not isinstance(table, dict):
        raise SettingsError(f"[{key}] must be a table")
    return table


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _all(valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: _is_texts(value) and all(map(valid, value))


def _is_variables(value: Any) -> bool:
    return isinstance(value, dict) and all(VARIABLE.fullmatch(k) and isinstance(v, str) for k, v in value.items())


def _is_command(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(words := shlex.split(value)) > 1 and words[0] == "python"
    except ValueError:
        return False


def _is_inside(value: Any) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0


def _settings(table: _Table, name: str) -> Settings:
    smoke = [_smoke(row) for row in table.rows("smoke")]
    settings = Settings(
        name=table.text("name", name),
        wsgi=table.take("wsgi", ..., 'a WSGI application such as "app:create_app()"', _matches(WSGI)),
        port=table.number("port", 8080, 1, 65535),
        health=table.path("health", "/health"),
        include=table.texts("include", ("**",), empty=False),
        tests=table.texts("tests", ("tests",)),
        coverage=table.number("coverage", 80, 0, 100),
        lock=table.file("lock", "requirements.txt"),
        test_lock=table.file("test-lock", None),
        requirements=table.files("requirements"),
        test_requirements=table.files("test-requirements"),
        python=table.take("python", "3.13", 'a version of Python such as "3.13"', _matches(PYTHON)),
        gunicorn=table.file("gunicorn", None),
        python_path=table.file("python-path", None),
        apt=tuple(table.take("apt", (), "a list of Debian packages such as libpq5", _all(_matches(PACKAGE)))),
        before=table.texts("before", ()),
        env=table.variables("env"),
        test_command=tuple(shlex.split(table.take("test-command", "", COMMAND, _is_command))),
        test_env=table.variables("test-env"),
        services=tuple(table.take("services", (), f"a list of {', '.join(SERVICES)}", _all(SERVICES.__contains__))),
        smoke=tuple(smoke) or (Smoke("/"),),
        acceptance=table.texts("acceptance", ()),
        stable=table.take("stable", False, "true or false", lambda value: isinstance(value, bool)),
        tag_prefix=table.take("tag-prefix", "", 'what stands before v1.2.3 in tags, such as "web-"', _matches(TAGS)),
        paths=table.files("paths"),
        minimal=table.take("minimal", True, "true or false", lambda value: isinstance(value, bool)),
        images={key: _recipe(row) for key, row in table.tables("images").items()},
        registry_mirrors=table.texts("registry-mirrors", ()),
        environments={key: _environment(key, row) for key, row in table.tables("environments").items()},
    )
    table.done()
    return settings


def _smoke(table: _Table) -> Smoke:
    smoke = Smoke(
        table.path("path", ...),
        table.number("status", 200, 100, 599),
        table.text("body", None),
        table.take("within", None, "a number of seconds above 0", _is_duration),
    )
    table.done()
    return smoke


def _recipe(table: _Table) -> Recipe:
    recipe = Recipe(table.text("suite", ...), table.texts("packages", ()), table.texts("setup", ()))
    table.done()
    return recipe


def _environment(name: str, table: _Table) -> Environment:
    if not ENVIRONMENT.fullmatch(name):
        rule = "1 to 12 of a-z, 0-9 and -, beginning with a letter"
        raise SettingsError(f"[{table.name}] is not allowed: an environment's name must be {rule}")
    environment = Environment(
        name,
        table.take("region", "eu-north-1", "an AWS region such as eu-north-1", _matches(REGION)),
        table.take("prefix", "cutover", "2 to 16 of a-z, 0-9 and -, beginning with a letter", _matches(PREFIX)),
        table.take("strategy", "blue-green", f"one of {', '.join(STRATEGIES)}", lambda value: value in STRATEGIES),
        table.number("bake-minutes", 1, 0, MOST_BAKE_MINUTES),
        table.quantity("canary-percent", 10.0, *CANARY_PERCENT),
        table.number("canary-bake-minutes", 5, 0, MOST_BAKE_MINUTES),
        table.quantity("step-percent", 20.0, *STEP_PERCENT),
        table.number("step-bake-minutes", 1, 0, MOST_BAKE_MINUTES),
        table.texts("alarms", ()),
        table.take("approval", False, "true or false", lambda value: isinstance(value, bool)),
        _gates(table.table("gates")),
    )
    table.done()
    return environment


def _gates(table: _Table) -> Gates:
    ways = f"one of {', '.join(INCONCLUSIVE)}"
    gates = Gates(
        table.quantity("healthy-percent", 100.0, 1, 100),
        table.number("requests", 300, 1, 1_000_000),
        table.quantity("error-points", 2.0, 0, 100),
        table.quantity("slower-percent", 50.0, 0, 1000),
        table.take("inconclusive", "wait", ways, lambda value: value in INCONCLUSIVE),
    )
    table.done()
    return gates
