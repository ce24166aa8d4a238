"""Which module a command is for: the one named, the nearest here or above, or Cutover's own for a service's folder."""

from pathlib import Path

import pytest

from ci.cli.dagger import own_module
from ci.cli.engine import found
from ci.cli.options import Options
from ci.engine.errors import ModuleLoadError

OWN_MODULE = Path(__file__).parents[4]
SETTINGS = '[tool.cutover]\nwsgi = "app:app"\n'


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service with settings, two folders below the root of its repository; the working folder lies inside of it."""
    folder = tmp_path / "services" / "api"
    (folder / "src").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(folder / "src")
    return folder


def test_a_service_without_a_module_is_served_by_cutovers_own(service: Path) -> None:
    config = found(Options())

    assert config is not None
    assert (config.root, config.called_for, config.context_root) == (OWN_MODULE, service, service)


def test_its_source_is_its_folder_and_its_history_the_repositorys(service: Path, tmp_path: Path) -> None:
    config = found(Options())

    assert config is not None
    assert (config.default("/"), config.default("/.git")) == (service, tmp_path / ".git")


def test_a_service_in_no_repository_is_told_what_to_do(service: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").rmdir()
    config = found(Options())

    assert config is not None
    with pytest.raises(ModuleLoadError, match=r"is in no git repository.*: git init && git add --all"):
        config.default("/.git")


def test_a_module_here_comes_before_settings(service: Path, tmp_path: Path) -> None:
    (tmp_path / "dagger.json").write_text('{"name": "own", "sdk": "python", "source": "."}')

    config = found(Options())

    assert config is not None
    assert (config.name, config.called_for) == ("own", None)


def test_without_module_and_settings_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert found(Options()) is None


def test_dagger_gets_cutovers_module_and_the_services_folders(service: Path, tmp_path: Path) -> None:
    given = ["-m", str(OWN_MODULE), f"--source={service}", f"--history={tmp_path / '.git'}"]

    assert own_module(["--silent", "call", "build"], Options()) == ["--silent", "call", *given, "build"]


def test_dagger_gets_the_same_words_where_a_module_is_named(service: Path) -> None:
    assert own_module(["call", "-m", str(OWN_MODULE), "build"], Options(mod=str(OWN_MODULE))) == [
        "call", "-m", str(OWN_MODULE), "build",
    ]  # fmt: skip
