"""`cutover doctor`: what is seen of a machine, what is red, and what to do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ci.cli import doctor, inputs, machine
from ci.cli.findings import Finding, absent, ok, red, table
from ci.cli.inputs import Project
from ci.cli.machine import Machine, NoDocker
from ci.engine.errors import DockerUnavailableError
from ci.engine.recipes import Recipe, RecipeBook
from ci.engine.store import Store

REFUSED = NoDocker(DockerUnavailableError("refused"))
INFO = {"ServerVersion": "28.0", "Driver": "overlay2", "DockerRootDir": "/var/lib/docker"}


class FakeDocker:
    """A Docker with some images."""

    def __init__(self, images: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.images = images or {}
        self.api = self

    def close(self) -> None:
        """Nothing is open."""

    def info(self) -> Mapping[str, Any]:
        return INFO

    def image(self, reference: str) -> Mapping[str, Any] | None:
        return self.images.get(reference)


def fake(connect: Any = FakeDocker, **given: Any) -> Machine:
    """A machine where all is well, but for what is given."""
    settings: dict[str, Any] = {
        "environ": {},
        "home": Path("/nowhere"),
        "connect": connect,
        "answered": lambda _: "",
        "printed": lambda *command: f"{command[0]} 1.0",
        "free": lambda _: 10**12,
    }
    return Machine(**{**settings, **given})


def no_docker() -> FakeDocker:
    raise DockerUnavailableError("connection refused or socket missing")


def test_the_table_marks_each_check_and_says_what_to_do_below_red_ones() -> None:
    rows = [ok("git", "2.39"), red("docker", "none answers", "start it"), absent("uv", "not there", "install it")]
    assert table(rows) == (
        "✔ git     2.39\n✘ docker  none answers\n          → start it\n- uv      not there (optional)\n"
    )
    assert [row.counts for row in rows] == [False, True, False]
    assert not red("dagger", "", "", needed=False).counts


def test_docker_is_told_with_version_and_storage_driver() -> None:
    assert machine.docker(fake(), FakeDocker()).detail == "28.0, storage driver overlay2"
    found = machine.docker(fake(), REFUSED)
    assert found.counts
    assert "DOCKER_HOST" in found.todo


def test_little_room_on_a_disk_is_red(tmp_path: Path) -> None:
    rows = machine.disk(fake(free=lambda place: 10**9 if place == tmp_path else 10**12), tmp_path / "new", FakeDocker())
    assert [(row.name, row.state) for row in rows] == [("disk of the store", "red"), ("disk of docker", "ok")]
    assert rows[0].detail.startswith("1.0 GB free at ")
    assert len(machine.disk(fake(), tmp_path, REFUSED)) == 1


def test_certificates_are_the_users_bundle_or_the_systems(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert machine.certificates(fake(environ={"SSL_CERT_FILE": str(bundle)})).detail.startswith(str(bundle))
    assert machine.certificates(fake(environ={"SSL_CERT_FILE": "/nowhere.pem"})).counts
    assert machine.certificates(fake()).state == "ok"


def test_only_names_of_proxies_and_credentials_are_shown(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "http://user:pw@proxy", "AWS_ACCESS_KEY_ID": "AKIA123", "AWS_PROFILE": "dev"}
    assert machine.proxies(fake(environ=environ)).detail == "HTTPS_PROXY"
    assert machine.credentials(fake(environ=environ)).detail == "found by AWS_ACCESS_KEY_ID, AWS_PROFILE"
    assert machine.credentials(fake()).state == "absent"
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id=AKIA", encoding="utf-8")
    assert machine.credentials(fake(home=tmp_path)).detail == f"found by {tmp_path}/.aws/credentials"


def test_git_is_needed_and_other_programs_are_not() -> None:
    rows = {row.name: row for row in machine.programs(fake(printed=lambda *_: None))}
    assert [name for name, row in rows.items() if row.counts] == ["git"]
    assert {row.state for row in machine.programs(fake())} == {"ok"}


def test_dagger_and_aws_on_this_machine_are_optional() -> None:
    assert machine.dagger(fake(printed=lambda *_: None)).state == "absent"
    assert machine.endpoint(fake(answered=lambda _: "refused")).state == "absent"
    assert machine.endpoint(fake(environ={"AWS_ENDPOINT_URL": "http://x:1"})).detail == "http://x:1 answers"


def test_indexes_are_those_of_the_environment_without_passwords() -> None:
    environ = {"PIP_INDEX_URL": "https://me:secret@mirror.example/simple"}
    found = inputs.indexes(fake(environ=environ, answered=lambda url: "refused" if "mirror.example" in url else ""))
    assert found[0].detail == "https://***@mirror.example/simple does not answer: refused"
    assert [row.counts for row in found] == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("sources.list", "# x\ndeb [signed-by=/k] http://mirror.example/debian trixie main\n", "http://mirror.example/debian"),
        ("sources.list.d/debian.sources", "Types: deb\nURIs: https://m.example/debian\n", "https://m.example/debian"),
        ("sources.list.d/other.disabled", "URIs: https://m.example/debian\n", inputs.DEBIAN),
    ],
)  # fmt: skip
def test_debians_mirror_is_apts(tmp_path: Path, name: str, text: str, wanted: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert inputs.debian_mirror(tmp_path) == wanted


def project(folder: Path, book: RecipeBook | None = None) -> Project:
    (folder / "ci").mkdir()
    (folder / "ci" / "main.py").write_text(
        'BASE = "python:3.13-slim"\nx = dag.container().from_("alpine:3")\ny = dag.container().from_(f"x:{z}")\n',
        encoding="utf-8",
    )
    (folder / "tests").mkdir()
    (folder / "tests" / "x.py").write_text('c.from_("of-a-test:1")', encoding="utf-8")
    return Project(folder, book or RecipeBook())


def test_base_images_are_those_of_the_code_and_the_settings(tmp_path: Path) -> None:
    assert project(tmp_path, RecipeBook({"mine:1": Recipe("trixie")})).images() == [
        "alpine:3", "mine:1", "python:3.13-slim",
    ]  # fmt: skip


def test_an_image_is_local_or_made_by_a_recipe_or_red(tmp_path: Path) -> None:
    store, here = Store(tmp_path / "store"), project(tmp_path)
    pulled = {"Id": "sha256:" + "0" * 64, "RepoDigests": ["alpine@sha256:" + "a" * 64]}

    def found(reference: str, docker: Any) -> Finding:
        return inputs.image(reference, here, docker, store, offline=True)

    assert found("alpine:3", FakeDocker({"alpine:3": pulled})).detail == "local, sha256:aaaaaaaaaaaa"
    recipe = here.book.find("python:3.13-slim")
    assert recipe is not None
    made = FakeDocker({f"cutover/base:{recipe.key[:24]}": {"Id": "sha256:" + "b" * 64}})
    assert found("python:3.13-slim", made).detail == "local, sha256:bbbbbbbbbbbb, made by its recipe"
    assert found("python:3.13-slim", FakeDocker()).detail.startswith("recipe: Debian trixie with ca-certificates, ")
    assert found("python:3.13-slim", REFUSED).state == "ok"
    missing = found("alpine:3", FakeDocker())
    assert missing.counts
    assert '[tool.cutover.images."alpine:3"]' in missing.todo


@pytest.mark.parametrize(
    ("text", "state", "detail"),
    [
        ("flask==3.1.0 \\\n    --hash=sha256:00\nclick==8.1 ; python_version > '3'\n", "ok", "2 packages from https://pypi.org/simple/"),
        ("git+https://example.org/x\n", "red", "git+https://example.org/x comes from elsewhere than the index"),
        ("x @ https://example.org/x.whl\n", "red", "x comes from elsewhere than the index"),
        ("flask>=3\n", "red", "flask>=3 is not pinned"),
    ],
)  # fmt: skip
def test_each_lock_file_says_where_its_packages_come_from(tmp_path: Path, text: str, state: str, detail: str) -> None:
    (tmp_path / "requirements-test.txt").write_text(text, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    rows = inputs.locked(Project(tmp_path, RecipeBook()), fake())
    assert [(row.name, row.state, row.detail) for row in rows] == [("lock requirements-test.txt", state, detail)]


def test_offline_lists_every_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    project(tmp_path)
    (tmp_path / "requirements.txt").write_text("flask==3.1.0\n", encoding="utf-8")
    names = [row.name for row in doctor.diagnosed(fake(), ".", offline=True)]
    assert {"image alpine:3", "recipe python:3.13-slim", "lock requirements.txt"} <= set(names)
    assert "lock requirements.txt" not in [row.name for row in doctor.diagnosed(fake(no_docker), ".", offline=False)]


def test_settings_that_cannot_be_read_are_one_red_row(tmp_path: Path) -> None:
    (tmp_path / "dagger.json").write_text('{"name": "x", "sdk": "python"}', encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.cutover.images\n", encoding="utf-8")
    rows = {row.name: row for row in doctor.diagnosed(fake(), str(tmp_path), offline=False)}
    assert rows["module"].counts
    assert "is not TOML" in rows["module"].detail


def test_the_command_fails_where_something_needed_is_red(tmp_path: Path) -> None:
    environ = {**os.environ, "DOCKER_HOST": "unix:///nothing/there", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()", "doctor", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (done.returncode, rows["docker"]["state"]) == (1, "red")
    assert re.match(r"Error: \d of \d+ checks are red: docker", done.stderr)
