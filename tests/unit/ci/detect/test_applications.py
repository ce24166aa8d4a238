"""Applications are found by their syntax, the likeliest first, in the shapes that people write."""

from pathlib import Path

import pytest

from ci.detect import applications

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FACTORY = "from flask import Flask\ndef create_app(config=None):\n    app = Flask(__name__)\n    return app\n"
SHAPES = {
    "one file": ({"app.py": FLASK}, "app:app", ""),
    "an annotated object": ({"app.py": "import flask\napp: flask.Flask = flask.Flask(__name__)\n"}, "app:app", ""),
    "a package": ({"shop/__init__.py": FLASK}, "shop:app", ""),
    "a module of a package": ({"shop/__init__.py": "", "shop/web.py": FLASK}, "shop.web:app", ""),
    "src": ({"src/shop/__init__.py": "", "src/shop/web.py": FLASK}, "shop.web:app", "src"),
    "a subfolder": ({"services/web/app.py": FLASK}, "app:app", "services/web"),
    "a folder without __init__.py": ({"shop/main.py": f"import shop.views\n{FLASK}"}, "shop.main:app", ""),
    "a factory": ({"shop/__init__.py": FACTORY}, "shop:create_app()", ""),
    "a factory called": (
        {"wsgi.py": "from shop import create_app\napplication = create_app()\n"},
        "wsgi:application",
        "",
    ),
    "another name for a factory": ({"shop.py": FACTORY.replace("create_app", "site")}, "shop:site()", ""),
    "under try": (
        {"app.py": "try:\n    import flask\n    app = flask.Flask('a')\nfinally:\n    pass\n"},
        "app:app",
        "",
    ),
    "Django": (
        {
            "shop/__init__.py": "",
            "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n",
        },
        "shop.wsgi:application",
        "",
    ),
    "Falcon": ({"api.py": "import falcon\napi = falcon.App()\n"}, "api:api", ""),
    "Bottle": ({"site.py": "import bottle\napp = bottle.default_app()\n"}, "site:app", ""),
    "plain WSGI": ({"hello.py": "def hello(environ, start_response):\n    return []\n"}, "hello:hello", ""),
}


def _made(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("shape", SHAPES)
def test_the_application_of_each_shape_is_found(tmp_path: Path, shape: str) -> None:
    """The module is importable from the folder that goes with it."""
    files, wsgi, folder = SHAPES[shape]
    first = applications(_made(tmp_path, files))[0]
    assert (first.wsgi, first.folder) == (wsgi, folder)


@pytest.mark.parametrize(
    "files",
    [
        {"tests/app.py": FLASK},
        {"test_app.py": FLASK},
        {".venv/app.py": FLASK},
        {"node_modules/x/app.py": FLASK},
        {"app.py": "def create_app(config):\n    return Flask(config)\n"},
        {"app.py": "if __name__ == '__main__':\n    app = Flask('a')\n"},
        {"app.py": "app = Flask(__name__\n"},
        {"app.py": "\0"},
        {"my-app.py": FLASK},
    ],
)
def test_what_gunicorn_could_not_load_is_no_application(tmp_path: Path, files: dict[str, str]) -> None:
    """Tests, environments, factories that need something, broken files and names that are no modules are left out."""
    assert applications(_made(tmp_path, files)) == []


def test_an_object_comes_before_a_factory_and_a_file_above_before_one_below(tmp_path: Path) -> None:
    """What a person would name first is first."""
    files = {"shop/__init__.py": FACTORY, "wsgi.py": FLASK, "tools/deep/app.py": FLASK}
    assert [row.wsgi for row in applications(_made(tmp_path, files))] == ["wsgi:app", "app:app", "shop:create_app()"]


def test_nothing_of_the_repository_is_imported(tmp_path: Path) -> None:
    """A module that ends the process when it is imported is read as any other."""
    assert applications(_made(tmp_path, {"app.py": f"{FLASK}raise SystemExit(1)\n"}))[0].wsgi == "app:app"
