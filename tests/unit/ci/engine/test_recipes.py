"""Base images by recipe."""

import os
import subprocess
from pathlib import Path

import pytest

from ci.engine import recipes
from ci.engine.errors import RecipeError
from ci.engine.recipes import Recipe, RecipeBook


@pytest.mark.parametrize(
    ("reference", "suite"),
    [
        ("debian:13-slim", "trixie"),
        ("debian:bookworm-slim", "bookworm"),
        ("python:3.13-slim", "trixie"),
        ("docker.io/library/python:3.11-slim", "bookworm"),
        ("python:3.13-slim@sha256:" + "0" * 64, "trixie"),
    ],
)
def test_debian_and_python_have_recipes(reference: str, suite: str) -> None:
    recipe = RecipeBook().find(reference)
    assert recipe is not None
    assert recipe.suite == suite


@pytest.mark.parametrize(
    "reference", ["python:3.13", "python:3.8-slim", "debian:sid-slim", "alpine:3", "quay.io/x/python:3.13-slim"]
)
def test_others_have_none(reference: str) -> None:
    assert RecipeBook().find(reference) is None


def test_the_settings_recipe_comes_before_the_built_in_one() -> None:
    own = Recipe("bookworm", ("curl",))
    assert RecipeBook({"python:3.13-slim": own, "base": own}).find("python:3.13-slim") is own


def test_python_comes_with_pip_and_venv_under_its_own_name() -> None:
    recipe = RecipeBook().find("python:3.13-slim")
    assert recipe is not None
    assert {"python3-pip", "python3-venv"} <= set(recipe.packages)
    assert dict(recipe.environment)["PYTHON_VERSION"] == "3.13"


def test_every_part_of_a_recipe_is_in_its_key() -> None:
    made = [
        Recipe("trixie"), Recipe("bookworm"), Recipe("trixie", ("curl",)), Recipe("trixie", (), ("true",)),
        Recipe("trixie", environment=()), Recipe("trixie", command=()),
    ]  # fmt: skip
    assert len({recipe.key for recipe in made}) == len(made)


def program(folder: Path, script: str) -> None:
    """A stand-in for mmdebstrap, found first on the PATH."""
    place = folder / "mmdebstrap"
    place.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    place.chmod(0o755)


def test_mmdebstrap_gets_suite_packages_and_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        tmp_path, 'for word; do echo "$word"; done > "$(dirname "$0")/words"; for last; do :; done; echo tar > "$last"'
    )
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    recipes.build(Recipe("trixie", ("curl", "git"), ("true",)), tmp_path / "root.tar")
    words = (tmp_path / "words").read_text(encoding="utf-8").splitlines()
    assert "--include=curl,git" in words
    assert "--customize-hook=chroot \"$1\" sh -c 'true'" in words
    assert words[-2:] == ["trixie", str(tmp_path / "root.tar")]
    assert (tmp_path / "root.tar").read_text(encoding="utf-8") == "tar\n"


def test_a_recipe_without_packages_includes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, 'case "$*" in *--include*) exit 2;; esac; for last; do :; done; echo tar > "$last"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    recipes.build(Recipe("bookworm"), tmp_path / "root.tar")
    assert (tmp_path / "root.tar").exists()


def test_a_failure_carries_the_end_of_what_was_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "for n in 1 2 3 4 5 6 7; do echo line $n >&2; done; exit 25")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(RecipeError, match=r"^mmdebstrap trixie failed with exit code 25: line 3 / .* / line 7$"):
        recipes.build(Recipe("trixie"), tmp_path / "root.tar")


def test_a_missing_mmdebstrap_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RecipeError, match="install it \\(apt-get install mmdebstrap\\) or set a registry mirror"):
        recipes.build(Recipe("trixie"), tmp_path / "root.tar")


def test_what_a_slim_image_leaves_out_is_left_out_of_packages_that_dpkg_did_not_unpack(tmp_path: Path) -> None:
    root = tmp_path / "root"
    kept = ["usr/share/doc/bash/copyright", "usr/share/locale/locale.alias", "usr/bin/bash"]
    left_out = ["usr/share/doc/bash/README", "usr/share/man/man1/bash.1.gz", "usr/share/locale/de/LC_MESSAGES/bash.mo"]
    for name in (*kept, *left_out, "usr/share/info/dir", "usr/share/lintian/overrides/bash"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True)
    subprocess.run(["sh", "-c", recipes.slim(), "exec", str(root)], check=True)
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert files == {*kept, "etc/dpkg/dpkg.cfg.d/docker"}
    told = (root / "etc/dpkg/dpkg.cfg.d/docker").read_text(encoding="utf-8").splitlines()
    assert {"force-unsafe-io", "path-exclude /usr/share/doc/*"} <= set(told)


@pytest.mark.parametrize(("size", "expected"), [(1, True), (1 << 60, False)])
def test_a_root_is_built_in_memory_where_that_has_the_room(size: int, expected: bool, tmp_path: Path) -> None:
    assert (recipes.in_memory(tmp_path, size) == {"TMPDIR": str(tmp_path)}) is expected


def test_where_there_is_no_such_memory_a_root_is_built_on_disk(tmp_path: Path) -> None:
    assert recipes.in_memory(tmp_path / "none", 1) == {}
