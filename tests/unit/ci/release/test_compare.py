"""Two images compared: the same, or the first file that differs, by layer."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ci.release import canonical
from ci.release.compare import compare, digest

OLD: dict[str, Any] = {"architecture": "amd64", "os": "linux", "config": {"User": "1:1"}}


def image(path: Path, created: int = 1, mode: int = 0o644, **files: str) -> Path:
    """A canonical image with these files; `srv_app` is srv/app."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("_", "/"))
            info.size, info.mode = len(text), mode
            tar.addfile(info, io.BytesIO(text.encode()))
    out.seek(0)
    with path.open("wb") as archive, tarfile.open(fileobj=out) as layer:
        canonical.write([layer], OLD, archive, created, {})
    return path


def test_the_same_image_has_no_difference_and_one_digest(tmp_path: Path) -> None:
    """Built twice."""
    one, other = (image(tmp_path / name, etc_a="1", srv_app="2") for name in ("one", "other"))
    assert compare(one, other) == []
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (
            {"etc_a": "1", "srv_app": "3"},
            ["layer 3 (/srv/): /srv/app differs in content (from byte 0 on; 1 and 1 bytes)"],
        ),
        ({"etc_a": "12", "srv_app": "2"}, ["layer 1 (/): /etc/a differs in content (from byte 1 on; 1 and 2 bytes)"]),
        ({"srv_app": "2"}, ["layer 1 (/): /etc/a is only in the first"]),
        (
            {"etc_a": "1", "srv_app": "2", "venv_x": "1", "venv_y": "1"},
            ["layer 2 (/venv/): /venv/x is only in the second"],
        ),
    ],
)
def test_the_first_file_that_differs_is_named_with_its_layer(
    tmp_path: Path, files: dict[str, str], lines: list[str]
) -> None:
    """By content, or by being there."""
    assert compare(image(tmp_path / "one", etc_a="1", srv_app="2"), image(tmp_path / "other", **files)) == lines


def test_rights_and_times_and_the_configuration_are_compared_too(tmp_path: Path) -> None:
    """A file's mode; the commit's time is in every file and in the configuration."""
    one = image(tmp_path / "one", etc_a="1")
    assert compare(one, image(tmp_path / "mode", mode=0o600, etc_a="1")) == [
        "layer 1 (/): /etc/a differs in mode (420, 384)"
    ]
    lines = compare(one, image(tmp_path / "time", created=2, etc_a="1"))
    assert lines[0] == "layer 1 (/): /etc/a differs in mtime (1, 2)"
    assert "configuration: created differs" in lines
