"""`cutover codebuild` as a user runs it, in real containers."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import pytest

pytestmark = pytest.mark.docker

CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
ROOT = Path(__file__).parents[4]
WAIT_SECONDS = 60
TOY = """\
version: 0.2
env:
  variables: {COLOUR: blue}
  exported-variables: [COLOUR, SHADE, UNSET]
phases:
  install:
    commands:
      - export SHADE="dark $COLOUR" && cd /tmp
      - test "$(pwd) $SHADE" = "/tmp dark blue"
  build:
    commands:
      - cd "$CODEBUILD_SRC_DIR" && git log -1 --format=%H > commit
      - ls > listing; docker_socket=/var/run/docker.sock; test -S "$docker_socket"
      - exit 7
    finally:
      - echo "succeeding $CODEBUILD_BUILD_SUCCEEDING" > report.txt
reports:
  tests: {files: [report.txt]}
artifacts:
  files: [commit, listing]
"""
ENDLESS = """\
version: 0.2
phases: {build: {commands: ["echo it runs; sleep 600"]}}
"""


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(place: Path, text: str) -> Path:
    place.mkdir()
    git(place, "init", "--quiet")
    (place / "buildspec.yml").write_text(text, encoding="utf-8")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", "feat: build")
    (place / "uncommitted").touch()
    return place


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}


def containers() -> list[Any]:
    client = docker.from_env()
    try:
        return [row for row in client.containers.list() if row.attrs["Config"]["Cmd"] == ["sleep", "infinity"]]
    finally:
        client.close()


def test_a_failing_build_gives_its_exit_code_and_exports_what_it_left(tmp_path: Path) -> None:
    """From a clean checkout; what an earlier command exported and where it went to hold for the next ones."""
    place = repository(tmp_path / "toy", TOY)
    words = [*CUTOVER, "codebuild", "--buildspec", "buildspec.yml", "--json"]
    done = subprocess.run(words, cwd=place, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    built = json.loads(done.stdout)
    assert [(row["name"], row["status"]) for row in built["phases"]] == [("install", "SUCCEEDED"), ("build", "FAILED")]
    assert built["exported"] == {"COLOUR": "blue", "SHADE": "dark blue"}
    folder = Path(built["folder"])
    assert (folder / "artifacts/commit").read_text(encoding="utf-8").strip() == git(place, "rev-parse", "HEAD")
    assert "uncommitted" not in (folder / "artifacts/listing").read_text(encoding="utf-8")
    assert (folder / "reports/tests/report.txt").read_text(encoding="utf-8") == "succeeding 0\n"
    assert not (folder / "work").exists()


def test_an_interrupt_removes_the_container_and_the_folder(tmp_path: Path) -> None:
    place = repository(tmp_path / "toy", ENDLESS)
    words = [*CUTOVER, "codebuild", "--buildspec", "buildspec.yml"]
    with subprocess.Popen(words, cwd=place, env=environment(tmp_path), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line == "it runs\n":
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_SECONDS) == 130
    builds = tmp_path / "state/cutover/codebuild/builds"
    assert list(builds.iterdir()) == []
    assert not [row for row in containers() if any(str(tmp_path) in bind for bind in row.attrs["HostConfig"]["Binds"])]


@pytest.mark.prove
def test_the_digest_that_a_build_makes_is_the_hosts(tmp_path: Path) -> None:
    """Each with a store that begins empty: `cutover codebuild` in its container, `cutover call` here."""
    clone = tmp_path / "cutover"
    git(tmp_path, "clone", "--quiet", str(ROOT), str(clone))
    own = {**environment(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = ["--progress", "quiet", "call", "digest"]
    here = subprocess.run([*CUTOVER, *words], cwd=clone, env=own, capture_output=True, text=True, check=True)
    words = ["codebuild", "--json", "--env", "CUTOVER_REPORT=", "digest"]
    there = subprocess.run([*CUTOVER, *words], cwd=clone, env=own, capture_output=True, text=True, check=True)
    assert json.loads(there.stdout)["exported"]["CUTOVER_DIGEST"] == here.stdout.strip()
