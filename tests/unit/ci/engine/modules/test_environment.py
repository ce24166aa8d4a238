"""What a module's environment is made of, and for whom none is made."""

import importlib.metadata
import platform
from pathlib import Path

import pytest

from ci.engine.modules.config import ModuleConfig
from ci.engine.modules.environment import Needs, _elsewhere, _needs, _suits, _wanted

OURS = f"dagger-io=={importlib.metadata.version('dagger-io')}"
MINOR = ".".join(platform.python_version_tuple()[:2])


def module(root: Path, project: str = "", **files: str) -> ModuleConfig:
    """A module with this [project] table, and these files (`_` stands for a dot)."""
    (root / "pyproject.toml").write_text(f"[project]\nname = 'x'\n{project}\n", encoding="utf-8")
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return ModuleConfig(root, "x", root)


@pytest.mark.parametrize(
    "project",
    ["", "dependencies = []", "dependencies = ['dagger-io']", "dependencies = ['dagger-io', 'anyio>=3']"],
)
def test_what_comes_with_the_sdk_needs_no_environment(tmp_path: Path, project: str) -> None:
    assert _needs(module(tmp_path, project), "") is None


@pytest.mark.parametrize(
    ("project", "requirements"),
    [
        ("dependencies = ['dagger-io', 'humanize==4.9.0']", ("humanize==4.9.0", OURS)),
        ("dependencies = ['dagger-io==0.1', 'anyio']", ("anyio", "dagger-io==0.1")),
        ("dependencies = ['anyio==0.1']", ("anyio==0.1", OURS)),
        ("dependencies = ['no requirement @']", ("no requirement @", OURS)),
    ],
)
def test_what_does_not_is_installed_beside_it(tmp_path: Path, project: str, requirements: tuple[str, ...]) -> None:
    assert _needs(module(tmp_path, project), "") == Needs(requirements, "", "", "")


def test_uvs_lock_says_all_of_it_and_comes_before_pips(tmp_path: Path) -> None:
    config = module(tmp_path, "dependencies = ['humanize']", uv_lock="u", requirements_lock="r")
    assert _needs(config, "") == Needs((OURS,), "uv.lock", "u", "")


def test_pips_lock_pins_what_the_project_asks_for(tmp_path: Path) -> None:
    config = module(tmp_path, "dependencies = ['humanize']", requirements_lock="r")
    assert _needs(config, "") == Needs(("humanize", OURS), "requirements.lock", "r", "")


def test_folders_that_pips_lock_names_are_left_out() -> None:
    folders, pinned = (
        "-e file:.\n-e file:sdk\n--editable ./sdk\n./sdk\nfile:///x\n",
        "anyio==4.3.0 \\\n    --hash=sha256:1\n",
    )
    assert _elsewhere(folders + pinned) == pinned


def test_every_part_is_in_the_environments_key() -> None:
    made = [
        Needs(("a",), "", "", ""),
        Needs(("b",), "", "", ""),
        Needs(("a",), "uv.lock", "x", ""),
        Needs(("a",), "", "", "3.9"),
    ]
    assert len({needs.key for needs in made}) == len(made)


def test_a_pinned_python_comes_before_the_required_one(tmp_path: Path) -> None:
    config = module(tmp_path, "requires-python = '>=3.9'")
    assert _wanted(config) == ">=3.9"
    (tmp_path / ".python-version").write_text("3.12\n", encoding="utf-8")
    assert _wanted(config) == "3.12"


@pytest.mark.parametrize(
    ("wanted", "suits"),
    [
        ("", True),
        (">=3.9", True),
        (MINOR, True),
        (f"=={MINOR}.*", True),
        (">=99", False),
        ("3.1", False),
        ("pypy@3", True),
    ],
)
def test_our_python_runs_what_allows_it(wanted: str, suits: bool) -> None:
    assert _suits(wanted) is suits
