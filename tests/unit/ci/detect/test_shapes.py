"""What `cutover init` writes for repositories of all shapes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ci.cli.init import init
from ci.detect import RELOCK, missing
from ci.settings import Settings
from tests.shapes import SHAPES, Shape

MOST_LINES = 6


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_after_init_only_the_locks_are_missing(tmp_path: Path, shape: Shape) -> None:
    """The application is found, and the lines that a user adds are few and taken."""
    service = shape.write(tmp_path)
    assert CliRunner().invoke(init, [str(service)]).exit_code == 0
    shape.add(service)
    settings = Settings.parse((service / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings.wsgi == shape.wsgi
    assert all(RELOCK in gap for gap in missing(service, settings))
    assert len(shape.settings) <= MOST_LINES


def test_a_django_project_gets_its_own_commands(tmp_path: Path) -> None:
    """Its test runner makes the database, and its static files and its SQLite database are in the image."""
    service = SHAPES["django"].write(tmp_path)
    assert CliRunner().invoke(init, [str(service)]).exit_code == 0
    settings = Settings.parse((service / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings.test_command == ("python", "manage.py", "test")
    assert settings.before == ("python manage.py collectstatic --noinput", "python manage.py migrate --noinput")
    assert (settings.tests, settings.health) == (("notes/tests.py",), "/health/")


def test_a_django_project_with_pytest_keeps_it(tmp_path: Path) -> None:
    """A conftest.py says so."""
    service = SHAPES["django"].write(tmp_path)
    (service / "conftest.py").write_text("", encoding="utf-8")
    assert CliRunner().invoke(init, [str(service)]).exit_code == 0
    assert "test-command" not in (service / "pyproject.toml").read_text(encoding="utf-8")
