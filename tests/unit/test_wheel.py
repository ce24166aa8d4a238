"""A wheel is enough for a stranger: it holds the command, AWS on this machine, and the Dagger module."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import hatchling.build
import pytest

from ci.engine.modules.config import find_config

ROOT = Path(__file__).parents[2]
SERVICE = '[tool.cutover]\nwsgi = "app:app"\n'
SECONDS = 300


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The wheel's files, unpacked as into `site-packages` of a virtual environment inside a stranger's repository."""
    folder = tmp_path_factory.mktemp("wheel")
    before = Path.cwd()
    os.chdir(ROOT)  # where a build back end is called (PEP 517)
    try:
        name = hatchling.build.build_wheel(str(folder))
    finally:
        os.chdir(before)
    place = folder / "service" / ".venv" / "site-packages"
    zipfile.ZipFile(folder / name).extractall(place)
    yield place
    shutil.rmtree(folder)


def _ran(installed: Path, folder: Path, *words: str, isolated: bool = False) -> subprocess.CompletedProcess[str]:
    """The installed command; `isolated` leaves it nothing but the wheel and the standard library."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = f"import sys; sys.path[:0] = [{str(installed)!r}]; from ci.cli.main import main; main()"
    start = [sys.executable, "-P", *(["-S"] if isolated else []), "-c", program]
    return subprocess.run(
        [*start, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def _service(folder: Path) -> Path:
    """A service with settings and a commit, whose .gitignore names folders that the module has too."""
    (folder / "pyproject.toml").write_text(SERVICE, encoding="utf-8")
    (folder / ".gitignore").write_text(".venv\nci\nreport\nlib/\n", encoding="utf-8")
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--allow-empty", "-m", "feat: first"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def test_the_wheel_holds_the_module_as_a_checkout_has_it(installed: Path) -> None:
    """Each file that dagger.json includes, with the same bytes."""
    module = installed / "ci/module"
    held = {path.relative_to(module) for path in module.rglob("*") if path.is_file()}
    listed = subprocess.run(
        ["git", "ls-files", "ci", "infra/templates", "dagger.json", "pyproject.toml", "README.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    tracked = {Path(line) for line in listed if (ROOT / line).is_file()}
    assert tracked <= held and not {path for path in held if "__pycache__" in path.parts}
    assert all((module / path).read_bytes() == (ROOT / path).read_bytes() for path in tracked)
    assert find_config(module).root == module


def test_what_the_command_reads_beside_python_is_there(installed: Path) -> None:
    """The engine's schema, the page of AWS on this machine, and the templates."""
    for name in ("ci/engine/schema.graphql", "infra/local/page/index.html", "infra/templates/service.yaml"):
        assert (installed / name).is_file()


def test_a_gitignore_around_a_virtual_environment_takes_nothing_from_the_module(installed: Path) -> None:
    """The environment lies in the stranger's repository, whose patterns are not the module's."""
    service = _service(installed.parents[1])
    assert not [pattern for pattern in find_config(installed / "ci/module").ignored if "report" in pattern]
    done = _ran(installed, service, "demo")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("show your own: cutover demo --source PATH\n")


@pytest.mark.parametrize("words", [["init"], ["call", "version"], ["local", "up"]])
def test_without_the_extras_one_sentence_says_what_to_install(
    installed: Path, tmp_path: Path, words: list[str]
) -> None:
    """`pip install cutover` alone has the module and no command line."""
    done = _ran(installed, tmp_path, *words, isolated=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert "pip install 'cutover[cli,local]'" in done.stderr


@pytest.mark.docker
def test_a_stranger_s_service_is_called_with_the_wheel_s_module(installed: Path) -> None:
    """Away from a checkout, in a folder with settings."""
    done = _ran(installed, _service(installed.parents[1]), "call", "version")
    assert (done.returncode, done.stdout) == (0, "0.1.0"), done.stderr
