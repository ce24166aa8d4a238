"""The image's digest, as `publish` pushes it: of the commit and the base alone; and what is in the image."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ci.release.canonical import merged, opened
from tests.integration.ci.engine.conftest import remove_images

ROOT = Path(__file__).parents[2]
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
CALL_SECONDS = 540
MOST_BYTES = 35_000_000
TARBALL = ("build", "as-tarball", "--forced-compression", "GZIP", "--media-types", "OCI")  # as large as what is pushed
FORBIDDEN = {"sh", "bash", "dash", "pip", "pip3", "apt", "apt-get", "dpkg", "perl", "gcc", "ld", "su"}

pytestmark = pytest.mark.docker


def _call(folder: Path, *words: str, **environment: str) -> str:
    done = subprocess.run(
        [*CUTOVER, "call", "--progress", "quiet", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository."""
    return _cloned(tmp_path_factory.mktemp("one") / "clone")


def _cloned(folder: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, folder], check=True)
    return folder


def test_two_clones_at_two_paths_give_one_digest_the_second_with_a_cleared_store(clone: Path, tmp_path: Path) -> None:
    """Every step of the second clone runs anew: environment, bytecode, root file system, layers."""
    first = _call(clone, "digest")
    try:
        second = _call(_cloned(tmp_path / "elsewhere/two"), "digest", XDG_CACHE_HOME=str(tmp_path / "cache"))
    finally:
        remove_images(tmp_path / "cache/cutover")
    assert first.startswith("sha256:")
    assert second == first


def test_the_image_is_small_and_has_no_shell_no_pip_and_no_setuid_file(clone: Path, tmp_path: Path) -> None:
    """And it runs as a user without a name, with certificates to check and a place for what is temporary."""
    archive = tmp_path / "image.tar"
    _call(clone, *TARBALL, "export", "--path", str(archive))
    assert archive.stat().st_size < MOST_BYTES
    with tarfile.open(archive) as tar, opened(tar) as (config, layers):
        files = {path: found.info for path, found in merged(layers).items()}
    assert config["config"]["User"] == "10001:10001"
    assert [path for path, info in files.items() if info.mode & 0o6000] == []
    assert [path for path, info in files.items() if Path(path).name in FORBIDDEN and not info.isdir()] == []
    assert {"venv/bin/python", "srv/app/__init__.py", "etc/ssl/certs/ca-certificates.crt", "tmp"} <= set(files)
