"""`[tool.cutover]` of a pyproject.toml: read once, every value checked, for an unknown key the nearest named."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from ci.settings_table import SettingsError as SettingsError
from ci.settings_table import Table, document, each, inner, is_command, is_positive, matches

TABLE = "tool.cutover"
STRATEGIES = ("blue-green", "canary", "linear")
SEVERITIES = ("low", "medium", "high", "critical")
PRODUCTION = "production"  # the environment whose settings are strict by themselves
UNSCANNED = ("warn", "fail")
INCONCLUSIVE = ("wait", "continue", "rollback")
# What ECS takes: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
MOST_BAKE_MINUTES = 1440
CANARY_PERCENT, STEP_PERCENT = (0.1, 99.9), (3.0, 100.0)
WSGI = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(\(.*\))?")  # as gunicorn takes it
# As the templates in infra/templates take them: names of load balancers are short.
PREFIX = re.compile(r"[a-z][a-z0-9-]{0,14}[a-z0-9]")
ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,11}")
PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+")  # https://www.debian.org/doc/debian-policy/ch-controlfields.html#source
TAGS = re.compile(r"[A-Za-z0-9][\w./-]*[/_-]", re.ASCII)
SERVICES = ("postgresql", "redis")
COMMAND = 'a command that begins with python, such as "python manage.py test"'
PYTHON = re.compile(r"3\.\d{1,2}")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.:/-]*", re.ASCII)
REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")


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
class ReleaseGates:
    """What stops a release beside the floor of coverage: fewer tests that pass, in percent of those that run; a larger
    image, in megabytes (10^6 bytes) compressed, None for any size."""

    pass_rate: float = 100.0
    image_megabytes: float | None = None


@dataclass(frozen=True)
class Scan:
    """What stops a release: the least severity of a finding, and of a vulnerability, and whether one without a fix
    does; licences, as patterns of SPDX names; how many days old the vulnerability database may be, and the registry's
    repository that it is fetched from (empty: Trivy's own)."""

    severity: str = "medium"
    vulnerabilities: str = "high"
    unfixed: bool = False
    licences: tuple[str, ...] = ("AGPL-*", "GPL-*", "SSPL-*")
    database_days: int = 7
    database: str = ""


@dataclass(frozen=True)
class Environment:
    """Where a service is deployed, and how: stacks are called PREFIX-NAME-CONCERN; bake times are ECS's, in minutes;
    `scanned`: `release` scans first; `unscanned`: what is done about what could not be scanned."""

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
    unscanned: str = "warn"
    scanned: bool = False


@dataclass(frozen=True)
class Settings:
    """The whole table. `coverage` is the floor in percent; paths and patterns are relative to the repository. `types`
    is None where mypy's own settings decide."""

    name: str
    wsgi: str
    port: int = 8080
    health: str = "/health"
    include: tuple[str, ...] = ("**",)
    tests: tuple[str, ...] = ("tests",)
    coverage: int = 80
    lint: tuple[str, ...] = (".",)
    lint_command: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None
    types_command: tuple[str, ...] = ()
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
    gates: ReleaseGates = field(default_factory=ReleaseGates)
    stable: bool = False
    minimal: bool = True
    tag_prefix: str = ""
    paths: tuple[str, ...] = ()
    scan: Scan = field(default_factory=Scan)
    images: Mapping[str, Recipe] = field(default_factory=dict)
    registry_mirrors: tuple[str, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Settings":
        """The settings in the text of a pyproject.toml.

        Raises:
            SettingsError: it is not TOML, or a setting is missing, unknown or not allowed.
        """
        whole = document(text)
        table = inner(whole, "tool").get("cutover")
        if table is None:
            raise SettingsError(f'pyproject.toml has no [{TABLE}]: add one with at least wsgi = "package:application"')
        return _settings(Table(TABLE, table), str(inner(whole, "project").get("name", "service")))

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
    table = Table(TABLE, inner(document(text), "tool").get("cutover", {}))
    return {name: _recipe(row) for name, row in table.tables("images").items()}, table.texts("registry-mirrors", ())


def has_settings(text: str) -> bool:
    """Whether the text of a pyproject.toml has the table.

    Raises:
        SettingsError: it is not TOML.
    """
    return "cutover" in inner(document(text), "tool")


def _settings(table: Table, name: str) -> Settings:
    smoke = [_smoke(row) for row in table.rows("smoke")]
    settings = Settings(
        name=table.text("name", name),
        wsgi=table.take("wsgi", ..., 'a WSGI application such as "app:create_app()"', matches(WSGI)),
        port=table.number("port", 8080, 1, 65535),
        health=table.path("health", "/health"),
        include=table.texts("include", ("**",), empty=False),
        tests=table.texts("tests", ("tests",)),
        coverage=table.number("coverage", 80, 0, 100),
        lint=table.files("lint", (".",)),
        lint_command=table.command("lint-command"),
        types=table.files("types", None),
        types_command=table.command("types-command"),
        lock=table.file("lock", "requirements.txt"),
        test_lock=table.file("test-lock", None),
        requirements=table.files("requirements", ()),
        test_requirements=table.files("test-requirements", ()),
        python=table.take("python", "3.13", 'a version of Python such as "3.13"', matches(PYTHON)),
        gunicorn=table.file("gunicorn", None),
        python_path=table.file("python-path", None),
        apt=tuple(table.take("apt", (), "a list of Debian packages such as libpq5", each(matches(PACKAGE)))),
        before=table.texts("before", ()),
        env=table.variables("env"),
        test_command=tuple(shlex.split(table.take("test-command", "", COMMAND, is_command))),
        test_env=table.variables("test-env"),
        services=tuple(table.take("services", (), f"a list of {', '.join(SERVICES)}", each(SERVICES.__contains__))),
        smoke=tuple(smoke) or (Smoke("/"),),
        acceptance=table.texts("acceptance", ()),
        gates=_release_gates(table.table("gates")),
        stable=table.take("stable", False, "true or false", lambda value: isinstance(value, bool)),
        tag_prefix=table.take("tag-prefix", "", 'what stands before v1.2.3 in tags, such as "web-"', matches(TAGS)),
        paths=table.files("paths", ()),
        minimal=table.take("minimal", True, "true or false", lambda value: isinstance(value, bool)),
        scan=_scan(table.table("scan")),
        images={key: _recipe(row) for key, row in table.tables("images").items()},
        registry_mirrors=table.texts("registry-mirrors", ()),
        environments={key: _environment(key, row) for key, row in table.tables("environments").items()},
    )
    table.done()
    return settings


def _smoke(table: Table) -> Smoke:
    smoke = Smoke(
        table.path("path", ...),
        table.number("status", 200, 100, 599),
        table.text("body", None),
        table.take("within", None, "a number of seconds above 0", is_positive),
    )
    table.done()
    return smoke


def _recipe(table: Table) -> Recipe:
    recipe = Recipe(table.text("suite", ...), table.texts("packages", ()), table.texts("setup", ()))
    table.done()
    return recipe


def _scan(table: Table) -> Scan:
    allowed = f"one of {', '.join(SEVERITIES)}"
    default = Scan()
    scan = Scan(
        table.take("severity", default.severity, allowed, lambda value: value in SEVERITIES),
        table.take("vulnerabilities", default.vulnerabilities, allowed, lambda value: value in SEVERITIES),
        table.take("unfixed", default.unfixed, "true or false", lambda value: isinstance(value, bool)),
        table.texts("licences", default.licences),
        table.number("database-days", default.database_days, 0, 365),
        table.take("database", "", 'a repository such as "ghcr.io/aquasecurity/trivy-db:2"', matches(REPOSITORY)),
    )
    table.done()
    return scan


def _environment(name: str, table: Table) -> Environment:
    if not ENVIRONMENT.fullmatch(name):
        rule = "1 to 12 of a-z, 0-9 and -, beginning with a letter"
        raise SettingsError(f"[{table.name}] is not allowed: an environment's name must be {rule}")
    unscanned = "fail" if name == PRODUCTION else "warn"
    environment = Environment(
        name,
        table.take("region", "eu-north-1", "an AWS region such as eu-north-1", matches(REGION)),
        table.take("prefix", "cutover", "2 to 16 of a-z, 0-9 and -, beginning with a letter", matches(PREFIX)),
        table.take("strategy", "blue-green", f"one of {', '.join(STRATEGIES)}", lambda value: value in STRATEGIES),
        table.number("bake-minutes", 1, 0, MOST_BAKE_MINUTES),
        table.quantity("canary-percent", 10.0, *CANARY_PERCENT),
        table.number("canary-bake-minutes", 5, 0, MOST_BAKE_MINUTES),
        table.quantity("step-percent", 20.0, *STEP_PERCENT),
        table.number("step-bake-minutes", 1, 0, MOST_BAKE_MINUTES),
        table.texts("alarms", ()),
        table.take("approval", False, "true or false", lambda value: isinstance(value, bool)),
        _gates(table.table("gates")),
        table.take("unscanned", unscanned, f"one of {', '.join(UNSCANNED)}", lambda value: value in UNSCANNED),
        table.take("scanned", name == PRODUCTION, "true or false", lambda value: isinstance(value, bool)),
    )
    table.done()
    return environment


def _release_gates(table: Table) -> ReleaseGates:
    gates = ReleaseGates(
        table.quantity("pass-rate", 100.0, 0, 100),
        table.take("image-megabytes", None, "a number of megabytes above 0", is_positive),
    )
    table.done()
    return gates


def _gates(table: Table) -> Gates:
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
