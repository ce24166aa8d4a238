"""The workflows: valid, without what zizmor warns of, every action pinned by its commit."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / ".github").rglob("*.yml"))
BIN = Path(sys.executable).parent
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9.]+")


def ran(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / program, *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("schema", "folder"), [("github-workflows", ".github/workflows"), ("github-actions", ".github/actions/cutover")]
)
def test_they_are_valid(schema: str, folder: str) -> None:
    files = [str(path) for path in FILES if ROOT / folder in path.parents]
    assert files
    done = ran("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing() -> None:
    done = ran("zizmor", "--quiet", "--offline", "--min-severity", "medium", ".github")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_action_of_others_is_pinned_by_commit_with_its_version_beside(path: Path) -> None:
    for used in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
        assert used == "./.github/actions/cutover" or PINNED.fullmatch(used)


def test_only_the_release_of_a_push_may_ask_for_an_identity() -> None:
    """Of all jobs one, and it does not run for a pull request."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in FILES}
    assert [name for name, text in texts.items() if "id-token: write" in text] == ["ci-cd"]
    job = texts["ci-cd"].partition("\n  release:\n")[2]
    assert "id-token: write" in job
    assert "github.event_name == 'push'" in job
