"""Repositories as strangers have them, for the tests: what they hold, and which settings nobody can guess."""

import json
from dataclasses import dataclass, field
from pathlib import Path

FLASK = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def home():
    return "hello"
"""
HEALTHY = f'{FLASK}\n\n@app.get("/health")\ndef health():\n    return "ok"\n'
FACTORY = """\
from flask import Flask


def create_app():
    app = Flask(__name__)

    @app.get("/")
    def home():
        return "hello"

    @app.get("/healthz")
    def healthz():
        return "ok"

    return app
"""
WSGI = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
MANAGE = """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of_mine.settings")
execute_from_command_line(sys.argv)
"""
DJANGO_SETTINGS = """\
import os

SECRET_KEY = "only for the tests"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")
ROOT_URLCONF = "site_of_mine.urls"
INSTALLED_APPS = ["django.contrib.staticfiles", "notes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "notes.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
STATIC_ROOT = "collected"
"""
DJANGO_URLS = """\
from pathlib import Path

from django.http import HttpResponse
from django.urls import path

from notes.models import Note


def home(request):
    return HttpResponse(f"{Note.objects.count()} notes, {len(list(Path('collected').iterdir()))} static files")


urlpatterns = [path("", home), path("health/", lambda request: HttpResponse("ok"))]
"""
DJANGO_WSGI = """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of_mine.settings")
application = get_wsgi_application()
"""
MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Note", [("id", models.AutoField(primary_key=True)), ("text", models.TextField())])
    ]
"""
DJANGO_TESTS = """\
from django.test import TestCase

from notes.models import Note


class Notes(TestCase):
    def test_a_note_is_kept(self):
        Note.objects.create(text="a")
        self.assertEqual(Note.objects.count(), 1)
"""
PYTEST = "import app\n\n\ndef test_home():\n    assert app.app.test_client().get('/').status_code == 200\n"
UNITTEST = """\
import unittest

import app


class Home(unittest.TestCase):
    def test_home(self):
        self.assertEqual(app.app.test_client().get("/").status_code, 200)
"""
DATABASE_TEST = """\
import os

import psycopg
import redis


def test_both_answer():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert redis.from_url(os.environ["REDIS_URL"]).ping()
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["flask>=3"]\n'
FLASKR = """\
[project]
name = "flaskr"
version = "1.0.0"
dependencies = ["flask"]

[project.optional-dependencies]
test = ["pytest"]

[build-system]
requires = ["flit_core<4"]
build-backend = "flit_core.buildapi"

[tool.pytest.ini_options]
testpaths = ["tests"]
filterwarnings = ["error"]
"""
FLASKR_APP = """\
import os

from flask import Flask


def create_app(test_config=None):
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(SECRET_KEY="dev", DATABASE=os.path.join(app.instance_path, "flaskr.sqlite"))
    if test_config is None:
        app.config.from_pyfile("config.py", silent=True)
    else:
        app.config.update(test_config)
    try:
        os.makedirs(app.instance_path)
    except OSError:
        pass

    @app.route("/hello")
    def hello():
        return "Hello, World!"

    from . import blog, db

    db.init_app(app)
    app.register_blueprint(blog.bp)
    app.add_url_rule("/", endpoint="index")
    return app
"""
FLASKR_DB = """\
import sqlite3

import click
from flask import current_app, g


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"], detect_types=sqlite3.PARSE_DECLTYPES)
    return g.db


def close_db(e=None):
    db = g.pop("db", None)
    if db is not None:
        db.close()


@click.command("init-db")
def init_db_command():
    with current_app.open_resource("schema.sql") as file:
        get_db().executescript(file.read().decode("utf8"))


def init_app(app):
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_db_command)
"""
FLASKR_BLOG = """\
from flask import Blueprint

from .db import get_db

bp = Blueprint("blog", __name__)


@bp.route("/")
def index():
    return f"{len(get_db().execute('SELECT id, title FROM post').fetchall())} posts"
"""
FLASKR_TEST = """\
from flaskr import create_app


def test_hello():
    assert not create_app().testing
    assert create_app({"TESTING": True}).test_client().get("/hello").data == b"Hello, World!"
"""
POETRY = '[tool.poetry]\nname = "shop"\nversion = "1"\n[tool.poetry.dependencies]\npython = "^3.11"\nflask = "^3.1"\n'
POETRY_LOCK = '[[package]]\nname = "flask"\nversion = "3.1.0"\n'
PIPFILE_LOCK = json.dumps({"default": {"flask": {"version": "==3.1.0"}}, "develop": {}})


@dataclass(frozen=True)
class Shape:
    """A repository.

    Attributes:
        files: its files by path.
        wsgi: what `init` must find.
        settings: lines that `init` cannot guess, which a user adds.
        folder: where in it the service is.
        uv: whether uv makes its lock.
    """

    files: dict[str, str]
    wsgi: str
    settings: tuple[str, ...] = ()
    folder: str = "."
    uv: bool = field(default=False)

    def write(self, root: Path) -> Path:
        """Write it below `root`; gives the service's folder."""
        for name, text in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root / self.folder

    def add(self, service: Path) -> None:
        """Add the user's own lines to the settings."""
        path = service / "pyproject.toml"
        head, table, rest = path.read_text(encoding="utf-8").partition("[tool.cutover]\n")
        path.write_text(head + table + "".join(f"{line}\n" for line in self.settings) + rest, encoding="utf-8")


SHAPES = {
    "one file": Shape({"app.py": FLASK, "requirements.txt": "flask\n"}, "app:app"),
    "factory in src": Shape({"src/shop/__init__.py": FACTORY, "pyproject.toml": PROJECT}, "shop:create_app()"),
    "package": Shape(
        {"shop/__init__.py": "", "shop/web.py": HEALTHY, "requirements/base.txt": "flask==3.1.0\n"}, "shop.web:app"
    ),
    "django": Shape(
        {
            "manage.py": MANAGE,
            "requirements.txt": "django>=5,<6\n",
            "site_of_mine/__init__.py": "",
            "site_of_mine/settings.py": DJANGO_SETTINGS,
            "site_of_mine/urls.py": DJANGO_URLS,
            "site_of_mine/wsgi.py": DJANGO_WSGI,
            "notes/__init__.py": "",
            "notes/models.py": "from django.db import models\n\n\nclass Note(models.Model):\n"
            "    text = models.TextField()\n",
            "notes/migrations/__init__.py": "",
            "notes/migrations/0001_initial.py": MIGRATION,
            "notes/static/notes.css": "body {}\n",
            "notes/tests.py": DJANGO_TESTS,
        },
        "site_of_mine.wsgi:application",
    ),
    "plain WSGI": Shape({"wsgi.py": WSGI}, "wsgi:application"),
    "monorepo": Shape(
        {
            "services/web/app.py": HEALTHY,
            "services/web/requirements.txt": "flask\n",
            "services/other/app.py": FLASK,
            "services/other/requirements.txt": "flask\n",
        },
        "app:app",
        ('tag-prefix = "web-"', 'paths = ["services/web"]'),
        folder="services/web",
    ),
    "Procfile": Shape(
        {
            "Procfile": "web: gunicorn --bind 0.0.0.0:9000 server.main:app\n",
            "server/main.py": FLASK,
            "backend/requirements.txt": "flask\n",
        },
        "server.main:app",
    ),
    "poetry": Shape({"app.py": FLASK, "pyproject.toml": POETRY, "poetry.lock": POETRY_LOCK}, "app:app"),
    "uv": Shape({"app.py": FLASK, "pyproject.toml": PROJECT}, "app:app", uv=True),
    "pipenv": Shape({"app.py": FLASK, "Pipfile.lock": PIPFILE_LOCK}, "app:app"),
    "pytest": Shape({"app.py": FLASK, "requirements.txt": "flask\n", "tests/test_app.py": PYTEST}, "app:app"),
    "unittest": Shape(
        {"app.py": FLASK, "requirements.txt": "flask\n", "tests/__init__.py": "", "tests/test_app.py": UNITTEST},
        "app:app",
        ('test-command = "python -m unittest"',),
    ),
    "database": Shape(
        {
            "app.py": FLASK,
            "requirements.txt": "flask\npsycopg\nredis\n",
            "tests/test_database.py": DATABASE_TEST,
        },
        "app:app",
        ('services = ["postgresql", "redis"]', 'apt = ["libpq5"]', 'env = { GREETING = "hello" }'),
    ),
    "module": Shape(
        {
            "app.py": FLASK,
            "requirements.txt": "flask\n",
            "dagger.json": '{"name": "theirs", "sdk": "go", "source": ".dagger"}',
        },
        "app:app",
    ),
    "setuptools": Shape(
        {
            "setup.py": "from setuptools import setup\n\nsetup()\n",
            "setup.cfg": "[metadata]\nname = shop\n[options]\npackages = shop\ninstall_requires =\n    flask\n",
            "shop/__init__.py": FACTORY,
        },
        "shop:create_app()",
    ),
    "flaskr": Shape(
        {
            "pyproject.toml": FLASKR,
            "flaskr/__init__.py": FLASKR_APP,
            "flaskr/db.py": FLASKR_DB,
            "flaskr/schema.sql": "CREATE TABLE post (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL);\n",
            "flaskr/blog.py": FLASKR_BLOG,
            "tests/test_hello.py": FLASKR_TEST,
        },
        "flaskr:create_app()",
    ),
}
