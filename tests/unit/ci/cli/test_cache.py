"""`cutover cache`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ci.cli.cache import age, bytes_of, size
from ci.engine.store import Store

CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]


def cache(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "DOCKER_HOST": "unix:///nothing/there"}
    return subprocess.run([*CUTOVER, "cache", *words], env=environment, capture_output=True, text=True, check=False)


def test_what_is_kept_is_listed_and_pruned_also_without_docker(tmp_path: Path) -> None:
    store = Store(tmp_path / "cutover")
    store.put_bytes(b"x" * 5000)
    done = cache(tmp_path, "ls", "--json")
    assert [row["size"] for row in json.loads(done.stdout)] == [5000]
    assert done.stderr.startswith("images and cache volumes are left out: ")
    assert "5.0 kB" in cache(tmp_path, "ls").stdout
    assert "5.0 kB" in cache(tmp_path, "ls", "--all").stdout
    assert "removed 0 things" in cache(tmp_path, "prune", "--max-size", "1GB").stderr
    assert "removed 1 things, 5.0 kB" in cache(tmp_path, "prune", "--all").stderr
    assert json.loads(cache(tmp_path, "ls", "--json").stdout) == []


def test_wrong_sizes_are_told(tmp_path: Path) -> None:
    done = cache(tmp_path, "prune", "--max-size", "much")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1, "Error: Invalid value: 'much' is no size; say for example 500MB or 20GB",
    )  # fmt: skip
    assert cache(tmp_path, "prune", "--all", "--max-size", "1GB").returncode == 1


@pytest.mark.parametrize(
    ("text", "wanted"), [("500MB", 500_000_000), ("1.5g", 1_500_000_000), ("20 GB", 20 * 10**9), ("12", 12)]
)
def test_sizes_have_units(text: str, wanted: int) -> None:
    assert bytes_of(text) == wanted


@pytest.mark.parametrize("text", ["", "GB", "x", "-"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        bytes_of(text)


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (5e12, "5.0 TB")])
def test_sizes_are_shown_in_the_unit_that_fits(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("passed", "text"), [(5, "just now"), (130, "2 min"), (7300, "2 h"), (200_000, "2 d")])
def test_ages_are_shown_in_the_unit_that_fits(passed: float, text: str) -> None:
    assert age(1000.0, 1000.0 + passed) == text
