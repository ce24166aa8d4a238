"""What is found in a repository, the settings that are written for it, and what they then lack."""

from pathlib import Path

import pytest

from ci.detect import dependencies, look, missing, setup_cfg, table
from ci.detect.repository import NoApplicationError
from ci.settings import Settings, Smoke

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
HOME = f"{FLASK}@app.route('/')\ndef home():\n    return ''\n"
HASHED = "flask==3.1.0 --hash=sha256:00\ngunicorn==27.0.0 --hash=sha256:00\n"


def _made(root: Path, **files: str) -> Path:
    return _written(root, {"app.py": FLASK, **files})


def _written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _settings(root: Path) -> Settings:
    return Settings.parse(table(look(root), "Shop One"))


def test_the_smallest_table_leaves_out_what_is_the_default(tmp_path: Path) -> None:
    """A file, a lock with hashes and a health route need three lines and an environment."""
    health = f"{HOME}@app.get('/health')\ndef health():\n    return ''\n"
    root = _written(tmp_path, {"app.py": health, "requirements.txt": HASHED})
    expected = '[tool.cutover]\nname = "shop-one"\nwsgi = "app:app"\ntests = []\n\n[tool.cutover.environments.demo]\n'
    assert table(look(root), "Shop One") == expected


def test_the_procfile_decides_on_the_application_and_the_port(tmp_path: Path) -> None:
    """Its web process is what people run: not a guess, though there is another application."""
    procfile = "release: python migrate.py\nweb: gunicorn --bind 0.0.0.0:9000 --workers 2 site:app\n"
    root = _made(tmp_path, Procfile=procfile, **{"site.py": FLASK})
    found = look(root)
    assert (found.application.wsgi, found.port, found.facts[0].guessed) == ("site:app", 9000, False)


def test_two_applications_are_a_guess_that_names_the_other(tmp_path: Path) -> None:
    """The user sees what else it could have been."""
    fact = look(_made(tmp_path, **{"other.py": FLASK})).facts[0]
    assert fact.guessed and "other:app" in fact.why


def test_no_application_is_one_sentence(tmp_path: Path) -> None:
    """It says what was looked for and what to write."""
    with pytest.raises(NoApplicationError, match=r"looked for Flask.*wsgi ="):
        look(tmp_path)


@pytest.mark.parametrize(
    ("route", "health", "smoke"),
    [
        ("@app.route('/healthz')\ndef f():\n    return ''\n", "/healthz", (Smoke("/healthz"),)),
        ("@app.route('/other')\ndef f():\n    return ''\n", "/other", (Smoke("/other"),)),
        ("requests.get('/health')\n", "/", (Smoke("/"),)),
    ],
)
def test_the_health_path_is_a_route_of_such_a_name(tmp_path: Path, route: str, health: str, smoke: object) -> None:
    """A request that the service itself makes is no route; where nothing answers `/` the smoke test asks the health."""
    settings = _settings(_written(tmp_path, {"app.py": FLASK + route}))
    assert (settings.health, settings.smoke) == (health, smoke)


def test_djangos_health_path_keeps_its_slash(tmp_path: Path) -> None:
    """Without it Django redirects, which is not healthy."""
    urls = "from django.urls import path\nurlpatterns = [path('', home), path('health/', health)]\n"
    found = look(_made(tmp_path, **{"shop/urls.py": urls, "shop/settings.py": ""}))
    assert (found.health, found.home) == ("/health/", True)


@pytest.mark.parametrize(
    ("files", "tests"),
    [
        ({"tests/unit/test_a.py": ""}, ("tests",)),
        ({"shop/tests/test_a.py": "", "shop/tests/test_b.py": ""}, ("shop/tests",)),
        ({"test_app.py": ""}, ("test_app.py",)),
        ({"tests/conftest.py": ""}, ()),
    ],
)
def test_tests_are_the_outermost_folders_that_hold_some(
    tmp_path: Path, files: dict[str, str], tests: tuple[str, ...]
) -> None:
    """Each folder once; none at all is said by an empty list."""
    assert _settings(_made(tmp_path, **files)).tests == tests


@pytest.mark.parametrize(
    ("files", "file", "hashed"),
    [
        ({"requirements.txt": HASHED, "uv.lock": ""}, "requirements.txt", True),
        ({"requirements.txt": "flask\n", "uv.lock": ""}, "uv.lock", False),
        ({"poetry.lock": ""}, "poetry.lock", False),
        ({"Pipfile.lock": ""}, "Pipfile.lock", False),
        ({"requirements/base.txt": "flask\n"}, "requirements/base.txt", False),
        ({"pyproject.toml": '[project]\nname = "a"\ndependencies = ["flask"]\n'}, "pyproject.toml", False),
        ({"requirements.lock": HASHED, "requirements.txt": "flask\n"}, "requirements.txt", False),
        ({"requirements.lock": HASHED}, "requirements.lock", True),
        ({"backend/requirements.txt": "flask\n"}, "backend/requirements.txt", False),
    ],
)
def test_each_form_of_dependencies_is_found(tmp_path: Path, files: dict[str, str], file: str, hashed: bool) -> None:
    """Hashes come first, then a tool's lock, then what it was made from; the lock of ours is made of another."""
    found = dependencies(_written(tmp_path, files))
    assert found is not None
    assert (found.file, found.hashed) == (file, hashed)


def test_dependencies_in_two_folders_are_not_guessed(tmp_path: Path) -> None:
    """Which of two services is meant is said by a setting."""
    assert dependencies(_written(tmp_path, {"a/requirements.txt": "flask\n", "b/requirements.txt": "flask\n"})) is None


def test_dependencies_in_a_folder_are_named_in_the_settings(tmp_path: Path) -> None:
    """The lock is in the root, what it is made of where people keep it."""
    settings = _settings(_made(tmp_path, **{"backend/requirements.txt": "flask\n"}))
    assert (settings.requirements, settings.lock) == (("backend/requirements.txt",), "requirements.lock")


def test_tests_get_a_lock_of_their_own(tmp_path: Path) -> None:
    """What they need beside is not shipped; a lock that has the tools already is theirs too."""
    tests = {"tests/test_a.py": "", "requirements.txt": HASHED}
    assert _settings(_made(tmp_path, **tests)).test_lock == "requirements-test.lock"
    tools = "pytest==9 --hash=sha256:00\npytest-cov==7 --hash=sha256:00\n"
    assert _settings(_made(tmp_path, **{"requirements.txt": HASHED + tools})).test_lock is None


@pytest.mark.parametrize(("said", "python"), [("3.11.4\n", "3.11"), ("3.12\n", "3.13")])
def test_the_python_is_the_repositorys_where_a_base_image_is_built_in(tmp_path: Path, said: str, python: str) -> None:
    """Another is named as what could be set, as a guess."""
    root = _made(tmp_path, **{".python-version": said})
    fact = next(fact for fact in look(root).facts if fact.what == "python")
    assert (_settings(root).python, fact.guessed) == (python, python == "3.13")
    assert "3.12" not in said or 'python = "3.12"' in fact.why


def test_no_dependencies_are_none(tmp_path: Path) -> None:
    """A pyproject.toml that is only of tools names no dependencies."""
    assert dependencies(_written(tmp_path, {"pyproject.toml": "[tool.ruff]\n"})) is None


def test_a_repository_that_lacks_nothing_is_told_nothing(tmp_path: Path) -> None:
    """The written settings fit a service with a lock that has all."""
    root = _written(tmp_path, {"src/shop/__init__.py": FLASK, "requirements.txt": HASHED})
    assert list(missing(root, _settings(root))) == []


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    """The application, the lock with the command that makes it, and the tests."""
    root = _written(tmp_path, {"requirements.txt": "flask\n"})
    settings = Settings(name="a", wsgi="shop:app", lock="requirements.lock")
    text = "\n".join(missing(root, settings))
    assert all(part in text for part in ('"shop"', "cutover call relock", "requirements.lock", '"tests"'))


def test_a_lock_without_the_server_or_the_test_tools_is_told(tmp_path: Path) -> None:
    """gunicorn for the image, pytest and pytest-cov for the tests."""
    root = _written(
        tmp_path, {"app.py": FLASK, "tests/test_a.py": "", "requirements.txt": "flask==3 --hash=sha256:00\n"}
    )
    told = list(missing(root, Settings(name="a", wsgi="app:app")))
    assert [line.partition(":")[0] for line in told] == [
        "requirements.txt lacks gunicorn; make it anew",
        'requirements.txt lacks pytest, pytest-cov; set test-lock = "requirements-test.lock" and make it',
    ]


UNFOUND = {
    "Pipenv": ({"Pipfile": "[packages]\nflask = '*'\n"}, "pipenv lock"),
    "Poetry": ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.11'\nflask = '*'\n"}, "poetry lock"),
    "two folders": (
        {"api/requirements.txt": "flask\n", "worker/requirements.txt": "redis\n"},
        'name the service\'s: requirements = ["api/requirements.txt"]',
    ),
}


@pytest.mark.parametrize(("files", "advice"), UNFOUND.values(), ids=UNFOUND)
def test_dependencies_that_cannot_be_taken_are_told(tmp_path: Path, files: dict[str, str], advice: str) -> None:
    """Instead of an image without them: what was found, and the command or the setting."""
    root = _written(tmp_path, {"app.py": FLASK, **files})
    settings = _settings(root)
    assert advice in next(iter(missing(root, settings)))
    assert any(advice in fact.why for fact in look(root).facts)


def test_dependencies_of_setup_cfg_are_found(tmp_path: Path) -> None:
    """A package that has nothing newer."""
    root = _made(tmp_path, **{"setup.cfg": "[options]\ninstall_requires =\n    flask>=2\n    # a note\n    redis\n"})
    found = dependencies(root)
    assert found is not None and (found.file, found.hashed) == ("setup.cfg", False)
    assert setup_cfg(root) == ["flask>=2", "redis"]


def test_imports_that_nothing_names_are_told(tmp_path: Path) -> None:
    """The Django tutorial has no requirements file."""
    told = next(iter(missing(_made(tmp_path), _settings(tmp_path))))
    assert told == "the code imports flask and no file names what to install; write it to requirements.txt"


FALCON = (
    "import falcon\napp = falcon.App()\napp.add_route('/things', Things())\napp.add_route('/things/{id}', Thing())\n"
)
POSTED = f"{FLASK}@app.route('/a', methods=['POST'])\ndef a(): ...\n@app.get('/page')\ndef page(): ...\n"
URLS = "urlpatterns = [path('polls/', include('polls.urls')), path('admin/', site)]\n"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"app.py": FALCON}, "/things"),
        ({"app.py": POSTED}, "/page"),
        (
            {"app.py": FLASK, "mysite/settings.py": "", "mysite/urls.py": URLS, "polls/urls.py": "x = path('', y)\n"},
            "/polls/",
        ),
    ],
)
def test_where_nothing_answers_the_root_a_path_that_is_answered_is_guessed(
    tmp_path: Path, files: dict[str, str], path: str
) -> None:
    """It is asked by the health check and by the smoke test."""
    settings = _settings(_written(tmp_path, files))
    assert (settings.health, settings.smoke) == (path, (Smoke(path),))


def test_flasks_own_command_makes_an_sqlite_database_in_the_image(tmp_path: Path) -> None:
    """As Flask's tutorial has it; a database that is a server's is not made where the image is."""
    command = "import sqlite3\n@click.command('init-db')\ndef init():\n    ...\n"
    files = {"flaskr/__init__.py": HOME, "flaskr/db.py": command}
    assert look(_written(tmp_path, files)).before == ("python -m flask --app flaskr init-db",)
    assert look(_written(tmp_path, {"flaskr/db.py": command.replace("sqlite3", "psycopg")})).before == ()


@pytest.mark.parametrize(("hosts", "told"), [("[]", True), ('["*"]', False), ("os.environ['HOSTS'].split()", False)])
def test_a_django_project_that_lets_no_host_in_is_told(tmp_path: Path, hosts: str, told: bool) -> None:
    """As `startproject` writes it: no health check of a load balancer would be answered."""
    files = {"manage.py": "import django\n", "site/settings.py": f"ALLOWED_HOSTS = {hosts}\n"}
    root = _made(tmp_path, **files)
    assert any("ALLOWED_HOSTS" in gap for gap in missing(root, _settings(root))) is told
