"""`[tool.cutover]`: what is read, what is left out, and what is refused in which words."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from ci import settings
from ci.ecs import strategy as strategy_module
from ci.ecs.analysis import Tolerance
from ci.ecs.judge import INCONCLUSIVE_WAYS
from ci.ecs.strategy import Strategy
from ci.errors import CutoverError
from ci.scan import Rules
from ci.settings import Environment, Gates, Recipe, Settings, SettingsError, Smoke
from ci.steps.services import KNOWN

LEAST = '[tool.cutover]\nwsgi = "shop:application"\n'


def refusal(text: str) -> str:
    """What is said of these settings."""
    with pytest.raises(SettingsError) as caught:
        Settings.parse(text)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_only_wsgi_must_be_set() -> None:
    """Everything else has a default; the name is the project's."""
    assert Settings.parse('[project]\nname = "shop"\n' + LEAST) == Settings(
        name="shop",
        wsgi="shop:application",
        port=8080,
        health="/health",
        include=("**",),
        tests=("tests",),
        coverage=80,
        lock="requirements.txt",
        test_lock=None,
        gunicorn=None,
        smoke=(Smoke("/", 200, None, None),),
        images={},
        environments={},
    )


def test_everything_set_is_read() -> None:
    """Each key ends in its field; lists become tuples."""
    parsed = Settings.parse(
        """
        [tool.cutover]
        name = "shop"
        wsgi = "shop.web:create_app()"
        port = 9000
        health = "/up"
        include = ["shop/**"]
        tests = ["tests/unit", "tests/api"]
        acceptance = ["tests/acceptance"]
        coverage = 0
        lock = "locks/run.txt"
        test-lock = "locks/test.txt"
        requirements = ["deps/run.in"]
        test-requirements = ["pyproject.toml:test"]
        python = "3.11"
        apt = ["libpq5"]
        before = ["python manage.py collectstatic"]
        env = { GREETING = "" }
        test-command = "python -m unittest discover 'my tests'"
        test-env = { DEBUG = "1" }
        services = ["redis"]
        tag-prefix = "web-"
        paths = ["services/web", "libs"]
        gunicorn = "shop/gunicorn.conf.py"
        [[tool.cutover.smoke]]
        path = "/"
        status = 201
        body = "Hello"
        within = 0.5
        [tool.cutover.images."python:3.13-slim"]
        suite = "bookworm"
        packages = ["python3"]
        setup = ["ln -s python3 /usr/bin/python"]
        [tool.cutover.environments.live]
        region = "us-gov-west-1"
        prefix = "shop"
        strategy = "linear"
        bake-minutes = 0
        canary-percent = 2.5
        canary-bake-minutes = 20
        step-percent = 25
        step-bake-minutes = 3
        alarms = ["errors"]
        approval = true
        [tool.cutover.environments.live.gates]
        healthy-percent = 50
        requests = 1000
        error-points = 0.5
        slower-percent = 20
        inconclusive = "rollback"
        """
    )
    assert parsed == Settings(
        name="shop",
        wsgi="shop.web:create_app()",
        port=9000,
        health="/up",
        include=("shop/**",),
        tests=("tests/unit", "tests/api"),
        acceptance=("tests/acceptance",),
        coverage=0,
        lock="locks/run.txt",
        test_lock="locks/test.txt",
        requirements=("deps/run.in",),
        test_requirements=("pyproject.toml:test",),
        python="3.11",
        apt=("libpq5",),
        before=("python manage.py collectstatic",),
        env={"GREETING": ""},
        test_command=("python", "-m", "unittest", "discover", "my tests"),
        test_env={"DEBUG": "1"},
        services=("redis",),
        tag_prefix="web-",
        paths=("services/web", "libs"),
        gunicorn="shop/gunicorn.conf.py",
        smoke=(Smoke("/", 201, "Hello", 0.5),),
        images={"python:3.13-slim": Recipe("bookworm", ("python3",), ("ln -s python3 /usr/bin/python",))},
        environments={
            "live": Environment(
                "live", "us-gov-west-1", "shop", "linear", 0, 2.5, 20, 25, 3, ("errors",), True,
                gates=Gates(50, 1000, 0.5, 20, "rollback"),
            )
        },
    )  # fmt: skip


def test_settings_do_not_change() -> None:
    """They are values."""
    with pytest.raises(FrozenInstanceError):
        Settings.parse(LEAST).port = 1  # type: ignore[misc]


def test_this_repository_s_own_settings_are_allowed() -> None:
    """The table in the file next to the code."""
    settings = Settings.parse((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert settings.wsgi == "app:create_app()"
    assert settings.environment("demo").strategy == "blue-green"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("port", "0", "a whole number from 1 to 65535"),
        ("port", "65536", "a whole number from 1 to 65535"),
        ("port", "true", "a whole number from 1 to 65535"),
        ("port", '"8080"', "a whole number from 1 to 65535"),
        ("coverage", "101", "a whole number from 0 to 100"),
        ("coverage", "80.5", "a whole number from 0 to 100"),
        ("health", '"health"', "a URL's path, which starts with / and has no spaces"),
        ("health", '"/a b"', "a URL's path, which starts with / and has no spaces"),
        ("name", '" "', "a text that is not empty"),
        ("python", '"3"', 'a version of Python such as "3.13"'),
        ("requirements", '["/etc/passwd"]', "a list of files of the repository, given from its root"),
        ("apt", '["libpq5; id"]', "a list of Debian packages such as libpq5"),
        ("before", "[1]", "a list of texts"),
        ("env", '{ "A-B" = "c" }', 'a table of texts, as in { NAME = "value" }'),
        ("test-env", "{ A = 1 }", 'a table of texts, as in { NAME = "value" }'),
        ("test-command", '"pytest"', 'a command that begins with python, such as "python manage.py test"'),
        (
            "test-command",
            '"python -m \'unittest"',
            'a command that begins with python, such as "python manage.py test"',
        ),
        ("tag-prefix", '"web*-"', 'what stands before v1.2.3 in tags, such as "web-"'),
        ("paths", '["../libs"]', "a list of files of the repository, given from its root"),
        ("services", '["mysql"]', "a list of postgresql, redis"),
        ("include", '"app/**"', "a list of texts"),
        ("tests", "[1]", "a list of texts"),
        ("lock", '"/etc/lock"', "a file of the repository, given from its root"),
        ("test-lock", '"../lock"', "a file of the repository, given from its root"),
        ("gunicorn", "3", "a file of the repository, given from its root"),
        ("smoke", '"/"', "an array of tables ([[tool.cutover.smoke]])"),
        ("images", "1", "a table"),
        ("environments", "[]", "a table"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_key_value_and_what_is(key: str, value: str, allowed: str) -> None:
    """One sentence."""
    message = refusal(f"{LEAST}{key} = {value}\n")
    assert message.startswith(f"[tool.cutover] {key} = ")
    assert message.endswith(f"is not allowed: it must be {allowed}")


@pytest.mark.parametrize("value", ["app", ":", "app:", ":app", "app:create app", "a b:c", "app:1"])
def test_wsgi_must_be_what_gunicorn_takes(value: str) -> None:
    """A module, a colon, a name or a call."""
    expected = f'wsgi = {value!r} is not allowed: it must be a WSGI application such as "app:create_app()"'
    assert refusal(f'[tool.cutover]\nwsgi = "{value}"') == f"[tool.cutover] {expected}"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("smoke = [{}]", "[tool.cutover.smoke[0]] must have path: a URL's path, which starts with / and has no spaces"),
        ('smoke = [{path = "/"}, {path = "x"}]', "[tool.cutover.smoke[1]] path = 'x' is not allowed"),
        ('smoke = [{path = "/", status = 99}]', "[tool.cutover.smoke[0]] status = 99 is not allowed"),
        ('smoke = [{path = "/", within = 0}]', "[tool.cutover.smoke[0]] within = 0 is not allowed"),
        ('smoke = [{path = "/", within = inf}]', "[tool.cutover.smoke[0]] within = inf is not allowed"),
        ('smoke = [{path = "/", within = true}]', "[tool.cutover.smoke[0]] within = True is not allowed"),
        ("smoke = [1]", "[tool.cutover.smoke[0]] must be a table"),
        ("images = {base = {}}", "[tool.cutover.images.base] must have suite"),
        ("gates = {pass-rate = 101}", "[tool.cutover.gates] pass-rate = 101 is not allowed: it must be a number from"),
        ("gates = {image-megabytes = 0}", "[tool.cutover.gates] image-megabytes = 0 is not allowed: it must be a"),
        ("gates = {pass_rate = 1}", "[tool.cutover.gates] has no key 'pass_rate'; did you mean 'pass-rate'?"),
        (
            "lint-command = 'a \"b'",
            "[tool.cutover] lint-command = 'a \"b' is not allowed: it must be a command such as",
        ),
        ("types = ['../x']", "[tool.cutover] types = ['../x'] is not allowed: it must be a list of files"),
        ("environments = {live = 1}", "[tool.cutover.environments.live] must be a table"),
        ("environments = {live = {region = 'here'}}", "[tool.cutover.environments.live] region = 'here' is not"),
        ("environments = {live = {prefix = 'X'}}", "[tool.cutover.environments.live] prefix = 'X' is not allowed"),
        ("environments = {live = {approval = 1}}", "[tool.cutover.environments.live] approval = 1 is not allowed"),
        ("environments = {live = {bake-minutes = -1}}", "[tool.cutover.environments.live] bake-minutes = -1 is not"),
        ("environments = {Live_1 = {}}", "[tool.cutover.environments.Live_1] is not allowed: an environment's name"),
    ],
)
def test_a_bad_row_is_told_with_its_place(rows: str, message: str) -> None:
    """Which table, which row, which key."""
    assert refusal(f"{LEAST}{rows}\n").startswith(message)


@pytest.mark.parametrize(
    ("row", "allowed"),
    [
        ("strategy = 'rolling'", "one of blue-green, canary, linear"),
        ("canary-percent = 100", "a number from 0.1 to 99.9"),
        ("step-percent = 2", "a number from 3 to 100"),
        ("step-percent = true", "a number from 3 to 100"),
        ("gates = {inconclusive = 'ask'}", "one of wait, continue, rollback"),
        ("gates = {requests = 0}", "a whole number from 1 to 1000000"),
    ],
)
def test_what_a_deployment_cannot_go_by_is_refused(row: str, allowed: str) -> None:
    """As ECS takes it, before anything is asked of AWS."""
    assert refusal(f"{LEAST}environments = {{live = {{{row}}}}}").endswith(f"is not allowed: it must be {allowed}")


@pytest.mark.parametrize("kind", ["canary", "linear"])
def test_what_the_settings_take_the_deployer_takes(kind: str) -> None:
    """The two are apart, as the deployer imports nothing else of ci; their defaults and ranges are the same."""
    environment, strategy, tolerance = Environment("live", strategy=kind), Strategy(kind), Tolerance()
    assert (environment.canary_percent, environment.canary_bake_minutes) == (
        strategy.canary_percent, strategy.canary_bake_minutes
    )  # fmt: skip
    assert (environment.step_percent, environment.step_bake_minutes, environment.bake_minutes) == (
        strategy.step_percent, strategy.step_bake_minutes, strategy.bake_minutes
    )  # fmt: skip
    assert (Gates().requests, Gates().error_points, Gates().slower_percent) == (
        tolerance.requests, tolerance.error_points, tolerance.slower_percent
    )  # fmt: skip
    assert settings.CANARY_PERCENT == strategy_module.CANARY_PERCENT
    assert settings.STEP_PERCENT == strategy_module.STEP_PERCENT
    assert settings.INCONCLUSIVE == INCONCLUSIVE_WAYS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "[tool.cutover] has no key 'prot'; did you mean 'port'?"),
        ("test_lock = 'x'", "[tool.cutover] has no key 'test_lock'; did you mean 'test-lock'?"),
        ("smoke = [{path = '/', stauts = 200}]", "[tool.cutover.smoke[0]] has no key 'stauts'; did you mean 'status'?"),
        (
            "environments = {live = {bake_minutes = 1, zzz = 2}}",
            "[tool.cutover.environments.live] has no key 'bake_minutes'; did you mean 'bake-minutes'?",
        ),
        (
            "images = {base = {suite = 'x', zzz = 1}}",
            "[tool.cutover.images.base] has no key 'zzz'; known: suite, packages, setup",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(text: str, message: str) -> None:
    """All known ones where none is near."""
    assert refusal(f"{LEAST}{text}\n") == message


def test_a_misspelt_key_that_must_be_there_is_named() -> None:
    """Otherwise its writer looks for a key that stands before their eyes."""
    assert refusal('[tool.cutover]\nwsgl = "a:b"').endswith("; 'wsgl' is no key")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.cutover", "pyproject.toml is not TOML: "),
        ("", 'pyproject.toml has no [tool.cutover]: add one with at least wsgi = "package:application"'),
        ("tool = 3", "[tool] must be a table"),
        ("[tool]\ncutover = 3", "[tool.cutover] must be a table"),
        ("project = 3\n" + LEAST, "[project] must be a table"),
        ("[tool.cutover]\nport = 1", "[tool.cutover] must have wsgi: a WSGI application such as"),
    ],
)
def test_a_file_without_the_table_is_refused(text: str, message: str) -> None:
    """No file leads to a traceback."""
    assert refusal(text).startswith(message)


def test_an_unknown_environment_is_refused_with_the_known_ones() -> None:
    """In the order of the alphabet."""
    settings = Settings.parse(LEAST + "environments = {test = {}, live = {}}")
    assert settings.environment("live") == Environment("live")
    for name in ("prod", ""):
        with pytest.raises(SettingsError, match=f"has no '{name}'; known: live, test"):
            settings.environment(name)
    with pytest.raises(SettingsError, match="has no 'live'; known: none is set"):
        Settings.parse(LEAST).environment("live")


def test_no_name_is_the_only_environment() -> None:
    """Where there is one, nobody must name it."""
    assert Settings.parse(LEAST + "environments = {live = {}}").environment("").name == "live"


def test_the_error_is_one_of_the_module_s() -> None:
    """The command ends with its exit code."""
    assert issubclass(SettingsError, CutoverError)
    assert SettingsError("x").exit_code == 1


def test_base_images_need_no_service_beside_them() -> None:
    text = (
        '[tool.cutover]\nregistry-mirrors = ["https://mirror.example"]\n'
        '[tool.cutover.images."tools:1"]\nsuite = "trixie"\npackages = ["git"]\n'
    )
    assert settings.base_images(text) == ({"tools:1": Recipe("trixie", ("git",))}, ("https://mirror.example",))
    assert settings.base_images("[project]\n") == ({}, ())
    with pytest.raises(SettingsError, match="must have suite"):
        settings.base_images('[tool.cutover.images."tools:1"]\n')
    with pytest.raises(SettingsError, match="registry-mirrors"):
        settings.base_images('[tool.cutover]\nregistry-mirrors = "https://mirror.example"\n')


def test_every_service_of_the_settings_has_a_recipe() -> None:
    """What is allowed there can be bound."""
    assert set(settings.SERVICES) == set(KNOWN)


@pytest.mark.parametrize(
    ("row", "scanned"),
    [("production = {}", True), ("staging = {}", False), ("production = {scanned = false}", False)],
)
def test_a_release_to_production_is_scanned_unless_the_settings_say_otherwise(row: str, scanned: bool) -> None:
    """By `scanned`, which only production has of itself."""
    parsed = Settings.parse(f"{LEAST}[tool.cutover.environments]\n{row}\n")
    assert parsed.environment("").scanned is scanned


def test_what_stops_a_release_in_a_scan_is_read() -> None:
    """Each key of `[tool.cutover.scan]` ends in its field; left out, the defaults are those of the gate."""
    table = """
        [tool.cutover.scan]
        severity = "high"
        vulnerabilities = "critical"
        unfixed = true
        licences = ["LGPL-*"]
        database-days = 1
        database = "registry.example:5000/trivy-db:2"
        """
    assert Settings.parse(LEAST + table).scan == settings.Scan(
        "high", "critical", True, ("LGPL-*",), 1, "registry.example:5000/trivy-db:2"
    )
    rules, default = Rules(), Settings.parse(LEAST).scan
    assert (default.severity, default.vulnerabilities, default.unfixed) == (
        rules.severity,
        rules.vulnerabilities,
        rules.unfixed,
    )
    assert (default.licences, default.database_days) == (rules.licences, rules.database_days)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('severity = "grave"', "'grave' is not allowed: it must be one of low, medium, high, critical"),
        ('database = "--insecure"', "it must be a repository such as"),
        ("database-days = -1", "must be a whole number from 0 to 365"),
        ('licence = ["GPL-*"]', "did you mean 'licences'?"),
    ],
)
def test_a_rule_of_a_scan_that_is_not_allowed_is_refused(line: str, said: str) -> None:
    """With the table and the key."""
    words = refusal(f"{LEAST}[tool.cutover.scan]\n{line}\n")
    assert words.startswith("[tool.cutover.scan] ")
    assert said in words


def test_what_could_not_be_scanned_is_red_in_production_unless_it_is_set() -> None:
    """Elsewhere it is told."""
    text = LEAST + "[tool.cutover.environments.production]\n[tool.cutover.environments.staging]\n"
    found = Settings.parse(text).environments
    assert (found["production"].unscanned, found["staging"].unscanned) == ("fail", "warn")
    set_otherwise = text.replace("production]\n", 'production]\nunscanned = "warn"\n')
    assert Settings.parse(set_otherwise).environments["production"].unscanned == "warn"
