"""What a Django project needs beside: its own way to run tests, and its static files collected for the image."""

import re
from pathlib import Path

from ci.detect.files import python_files, text

MANAGE = "manage.py"
TEST = "python manage.py test"
COLLECT = "python manage.py collectstatic --noinput"
MIGRATE = "python manage.py migrate --noinput"
ENGINE = re.compile(r"django\.db\.backends\.(\w+)")
STATIC_ROOT = re.compile(r"^STATIC_ROOT\s*=", re.MULTILINE)
NO_HOSTS = re.compile(r"^ALLOWED_HOSTS\s*(?::[^=]+)?=\s*\[\s*\]", re.MULTILINE)
OF_PYTEST = ("pytest.ini", "conftest.py")
NAMING_PYTEST = ("pyproject.toml", "setup.cfg", "tox.ini")


def is_project(root: Path) -> bool:
    """Whether the folder is a Django project's."""
    return "django" in text(root / MANAGE).lower()


def test_command(root: Path) -> str | None:
    """Django's test runner, which makes the test database; None where the project's tests are pytest's."""
    named = any("pytest" in text(root / name) for name in NAMING_PYTEST)
    other = named or any((root / name).is_file() for name in OF_PYTEST)
    return TEST if is_project(root) and not other else None


def before(root: Path) -> tuple[str, ...]:
    """The commands before the image is made: static files are collected where settings say to which folder, and a
    SQLite database, which is a file of the image, gets its tables."""
    if not is_project(root):
        return ()
    settings = [text(root / path) for path in python_files(root) if "settings" in path.as_posix()]
    static = any(STATIC_ROOT.search(written) for written in settings)
    engines = {engine for written in settings for engine in ENGINE.findall(written)}
    return (*((COLLECT,) if static else ()), *((MIGRATE,) if engines == {"sqlite3"} else ()))


def refusing(root: Path) -> str | None:
    """The settings file that lets in no host but this machine's own names; health checks ask by the task's address."""
    if not is_project(root):
        return None
    settings = [path for path in python_files(root) if "settings" in path.as_posix()]
    written = [path.as_posix() for path in settings if "ALLOWED_HOSTS" in text(root / path)]
    refused = [name for name in written if NO_HOSTS.search(text(root / name))]
    return refused[0] if refused == written and written else None
