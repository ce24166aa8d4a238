"""What takes the room in an image, of an archive as the image's step writes it."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from ci.release.canonical import write
from ci.report.image import folder, measured


def _layer(files: dict[str, int]) -> tarfile.TarFile:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, size in files.items():
            info = tarfile.TarInfo(path)
            info.size = size
            tar.addfile(info, io.BytesIO(bytes(size)))
    out.seek(0)
    return tarfile.open(fileobj=out)


def test_layers_folders_and_files_with_their_sizes(tmp_path: Path) -> None:
    site = "venv/lib/python3.13/site-packages"
    files = {"usr/lib/big.so": 5000, f"{site}/flask/app.py": 300, f"{site}/flask/json/tag.py": 100, "srv/app.py": 70}
    with (tmp_path / "image.tar").open("wb") as out:
        digest = write([_layer(files)], {"architecture": "amd64", "os": "linux"}, out, 0, {})
    found = json.loads(json.dumps(measured(tmp_path / "image.tar")))
    assert found["digest"] == digest
    assert [(row["name"], row["unpacked"], row["files"]) for row in found["layers"]] == [
        ("/", 5000, 1), ("/venv/", 400, 2), ("/srv/", 70, 1)
    ]  # fmt: skip
    assert found["bytes"] == sum(row["bytes"] for row in found["layers"]) > 0
    assert [(row["path"], row["bytes"]) for row in found["folders"]] == [
        ("/usr/lib", 5000), (f"/{site}/flask", 400), ("/srv", 70)
    ]  # fmt: skip
    assert found["files"][0] == {"path": "/usr/lib/big.so", "bytes": 5000}


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("usr/local/lib/python3.13/ast.pyc", "/usr/local/lib"), ("etc/passwd", "/etc"), ("bin", "/"),
        ("venv/lib/python3.13/site-packages/six.py", "/venv/lib/python3.13/site-packages"),
        ("venv/lib/python3.13/site-packages/flask/a/b.py", "/venv/lib/python3.13/site-packages/flask"),
    ],
)  # fmt: skip
def test_a_file_is_counted_under_its_package_or_its_upper_folders(path: str, counted: str) -> None:
    assert folder(path) == counted
