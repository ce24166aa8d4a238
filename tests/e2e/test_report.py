"""`report`, `gates` and `check` of a service with a finding, a failing test and a low coverage, on real Docker."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
CALL_SECONDS = 300
SETTINGS = """\
[tool.cutover]
name = "shop"
wsgi = "shop:app"
include = ["shop.py"]
tests = ["test_shop.py"]
lock = "requirements.txt"
test-lock = "requirements-test.txt"
"""
SHOP = """\
import os


def app(environ, start_response):
    start_response("200 OK", [])
    return [b"Hello"]
"""
TESTS = """\
import shop


def test_name():
    assert shop.__name__ == "store"
"""

pytestmark = [pytest.mark.docker, pytest.mark.prove]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its locks are those of this repository's service, which others install too; its code is of this run alone."""
    folder = tmp_path_factory.mktemp("shop")
    for name, text in (("pyproject.toml", SETTINGS), ("shop.py", f"{SHOP}# {uuid.uuid4()}\n"), ("test_shop.py", TESTS)):
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("requirements.txt", "requirements-test.txt"):
        shutil.copy(ROOT / "app" / name, folder / name)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    for words in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "-m", "feat: a shop"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def _ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CUTOVER, *words, "--progress", "quiet"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
        check=False,
    )


def test_the_report_is_had_whatever_the_verdict_and_what_is_asked_again_comes_from_the_cache(service: Path) -> None:
    for cached in (False, True):
        done = _ran(service, "call", "report", "export", "--path", "report")
        assert done.returncode == 0, done.stderr
        made = json.loads((service / "report/report.json").read_text())
        stages = {row["name"]: row for row in made["stages"]}
        assert {name: row["outcome"] for name, row in stages.items()} == {
            "lint": "failed", "types": "none", "test": "failed", "scan": stages["scan"]["outcome"], "image": "passed"
        }  # fmt: skip
        assert [stages[name]["cached"] for name in ("lint", "test", "image")] == [cached] * 3
        assert (made["verdict"], made["version"], made["tests"]["failed"]) == ("failed", "0.1.0", 1)
    assert [(row["file"], row["line"], row["rule"]) for row in made["findings"] if row["stage"] == "lint"] == [
        ("shop.py", 1, "F401")
    ]
    assert (made["tests"]["cases"][0]["file"], made["tests"]["cases"][0]["line"]) == ("test_shop.py", 5)
    assert made["coverage"]["files"][0] == {"file": "shop.py", "percent": 50.0, "lines": 4, "missing": "5-6"}
    assert made["image"]["digest"].startswith("sha256:")
    page = (service / "report/index.html").read_text()
    assert page.index("test_shop.test_name") < page.index(">Stages</h2>")


def test_each_gate_that_stops_is_named_and_the_first_failure_ends_a_check(service: Path) -> None:
    gates = _ran(service, "call", "gates")
    assert gates.returncode == 1
    assert "2 gates of a release stopped it: pass rate: 0 % of 1 tests passed" in gates.stderr
    assert "coverage: 50 % of the lines and branches are covered, at least 80 % must be" in gates.stderr
    checked = _ran(service, "check", "--fail-fast", "lint", "types")
    assert checked.returncode == 1
    assert "F401" in checked.stdout
