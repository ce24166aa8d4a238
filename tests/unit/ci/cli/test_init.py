"""`cutover init` writes settings once, overwrites nothing, and with --check writes nothing at all."""

from pathlib import Path

from click.testing import CliRunner, Result

from ci.cli.init import init
from ci.errors import CutoverError
from ci.settings import Settings

FLASK = "from flask import Flask\napp = Flask(__name__)\n"


def _ran(*words: str) -> Result:
    return CliRunner().invoke(init, list(words))


def _service(root: Path, pyproject: str | None = None) -> Path:
    (root / "app.py").write_text(FLASK, encoding="utf-8")
    if pyproject is not None:
        (root / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    return root / "pyproject.toml"


def test_a_repository_without_pyproject_gets_one(tmp_path: Path) -> None:
    """What was found, what was guessed and what is missing are told; the settings are the result on stdout."""
    path = _service(tmp_path)
    done = _ran(str(tmp_path))
    assert done.exit_code == 0
    assert Settings.parse(path.read_text(encoding="utf-8")).wsgi == "app:app"
    assert done.stdout == path.read_text(encoding="utf-8")
    assert "guessed: " in done.stderr and "Still missing: the lock file" in done.stderr


def test_what_is_in_pyproject_stays_as_it_is(tmp_path: Path) -> None:
    """The table is added at the end, comments and all before it untouched; the project's own name is used."""
    before = '# ours\n[project]\nname = "shop"   # the name\nversion = "1"\n'
    path = _service(tmp_path, before)
    assert _ran(str(tmp_path)).exit_code == 0
    after = path.read_text(encoding="utf-8")
    assert after.startswith(before) and Settings.parse(after).name == "shop"


def test_settings_that_are_there_are_left_alone(tmp_path: Path) -> None:
    """A second run writes nothing and says so."""
    path = _service(tmp_path)
    _ran(str(tmp_path))
    before = path.read_text(encoding="utf-8")
    done = _ran(str(tmp_path))
    assert (done.exit_code, path.read_text(encoding="utf-8")) == (0, before)
    assert "nothing written" in done.stderr


def test_check_writes_nothing_and_fails_while_something_is_missing(tmp_path: Path) -> None:
    """First the settings, then what they need."""
    path = _service(tmp_path)
    first = _ran("--check", str(tmp_path))
    assert not path.exists() and "has no [tool.cutover]" in str(first.exception)
    _ran(str(tmp_path))
    second = _ran("--check", str(tmp_path))
    assert isinstance(second.exception, CutoverError) and "requirements.lock" in str(second.exception)
    lock = "gunicorn==27.0.0 --hash=sha256:00\n"
    (tmp_path / "requirements.lock").write_text(lock, encoding="utf-8")
    assert _ran("--check", str(tmp_path)).exit_code == 0


def test_a_pyproject_that_is_not_toml_is_told_and_left(tmp_path: Path) -> None:
    """Nothing is added to a file that nobody could read afterwards."""
    path = _service(tmp_path, "[project\n")
    done = _ran(str(tmp_path))
    assert isinstance(done.exception, CutoverError) and "is not TOML" in str(done.exception)
    assert path.read_text(encoding="utf-8") == "[project\n"
