"""Images without the container that they were committed from."""

import hashlib
import io
import json
import tarfile
from typing import Any

import pytest

from ci.engine import committed

LAYERS = ["sha256:" + digit * 64 for digit in "ab"]
IMAGE: dict[str, Any] = {
    "Id": "sha256:old",
    "Parent": "sha256:parent",
    "Architecture": "arm64",
    "Variant": "v8",
    "Os": "linux",
    "Created": "2026-01-01T00:00:00Z",
    "Config": {"Env": ["TOKEN="], "Labels": {"cutover": "1"}},
    "ContainerConfig": {"Env": ["TOKEN=s3cret"]},
    "RootFS": {"Type": "layers", "Layers": LAYERS},
}


@pytest.mark.parametrize("held", [None, {}, {"Env": None}, {"Env": []}])
def test_an_image_that_holds_no_variables_of_its_container_tells_nothing(held: Any) -> None:
    assert not committed.tells({**IMAGE, "ContainerConfig": held})
    assert committed.tells(IMAGE)


def test_the_same_image_is_loaded_under_a_configuration_without_the_container() -> None:
    made, data = committed.archive(IMAGE, "cutover/layer:x")
    assert b"s3cret" not in data
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    (row,) = json.loads(files.pop("manifest.json"))
    config = files[row["Config"]]
    assert made == "sha256:" + hashlib.sha256(config).hexdigest()
    assert (row["RepoTags"], len(row["Layers"])) == (["cutover/layer:x"], 2)
    assert json.loads(config) == {
        "architecture": "arm64",
        "variant": "v8",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": ["TOKEN="], "Labels": {"cutover": "1", "cutover.parent": "sha256:parent"}},
        "rootfs": {"type": "layers", "diff_ids": LAYERS},
    }
