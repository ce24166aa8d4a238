"""Publishing an archive and resolving names, against a registry in process."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci.ecs import errors
from ci.ecs.images import publish, resolve
from ci.ecs.registry import ATTEMPTS

URI = "123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
Files = dict[str, bytes]


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def descriptor(body: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(body), "size": len(body)}


def put(files: Files, body: bytes) -> bytes:
    files["blobs/" + digest(body).replace(":", "/")] = body
    return body


def image(files: Files, text: bytes) -> bytes:
    """One manifest with a config and two layers; gives its bytes."""
    layers = [descriptor(put(files, text + name), "layer") for name in (b"1", b"2")]
    config = descriptor(put(files, b"{}" + text), "config")
    return put(files, json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode())


def layout(text: bytes = b"x", index: bool = False) -> tuple[Files, str]:
    """An OCI layout of one image, or of an index over two; and the digest it has."""
    files: Files = {"oci-layout": b"{}", "manifest.json": b"[]"}
    top, media_type = image(files, text), MANIFEST
    if index:
        children = [descriptor(image(files, text + arch), MANIFEST) for arch in (b"a", b"b")]
        top, media_type = put(files, json.dumps({"manifests": children}).encode()), INDEX
    files["index.json"] = json.dumps({"manifests": [descriptor(top, media_type)]}).encode()
    return files, digest(top)


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[Files], Path]:
    def pack(files: Files) -> Path:
        path = tmp_path / "image.tar"
        with tarfile.open(path, "w") as tar:
            tar.addfile(tarfile.TarInfo("blobs"))
            for name, body in files.items():
                member = tarfile.TarInfo(f"./{name}")
                member.size = len(body)
                tar.addfile(member, io.BytesIO(body))
        return path

    return pack


Pack = Callable[[Files], Path]


def test_a_publish_pushes_every_blob_and_both_tags(world: Any, site: Any, packed: Pack) -> None:
    files, expected = layout()
    assert publish(world.aws, "cutover", packed(files), "1.0.0", "latest").reference == f"{URI}@{expected}"
    assert sorted(site.manifests) == sorted([expected, "1.0.0", "latest"])
    assert set(site.blobs) == {digest(body) for name, body in files.items() if name.startswith("blobs/")} - {expected}
    assert {each["Authorization"] for each in site.headers} == {"Basic QVdTOnBhc3M="}


def test_the_bytes_of_the_manifest_arrive_unchanged(world: Any, site: Any, packed: Pack) -> None:
    files, expected = layout()
    publish(world.aws, "cutover", packed(files), "1.0.0", "latest")
    assert digest(site.manifests["1.0.0"]) == expected


def test_an_index_is_pushed_after_its_images(world: Any, site: Any, packed: Pack) -> None:
    files, expected = layout(index=True)
    assert publish(world.aws, "cutover", packed(files), "1.0.0", "latest").digest == expected
    assert len([name for name in site.manifests if name.startswith("sha256:")]) == 3


def test_the_same_image_under_the_same_version_pushes_nothing(world: Any, site: Any, packed: Pack) -> None:
    files, _ = layout()
    publish(world.aws, "cutover", packed(files), "1.0.0", "latest")
    site.requests.clear()
    publish(world.aws, "cutover", packed(files), "1.0.0", "latest")
    assert site.asked("PUT") == site.asked("POST") == []


def test_a_version_of_other_bytes_is_refused_before_anything_is_pushed(world: Any, site: Any, packed: Pack) -> None:
    publish(world.aws, "cutover", packed(layout(b"x")[0]), "1.0.0", "latest")
    site.requests.clear()
    with pytest.raises(errors.VersionTaken, match="release a new version"):
        publish(world.aws, "cutover", packed(layout(b"y")[0]), "1.0.0", "latest")
    assert site.asked("PUT") == site.asked("POST") == []


def test_the_moving_tag_moves(world: Any, site: Any, packed: Pack) -> None:
    publish(world.aws, "cutover", packed(layout(b"x")[0]), "1.0.0", "latest")
    files, expected = layout(b"y")
    publish(world.aws, "cutover", packed(files), "1.1.0", "latest")
    assert digest(site.manifests["latest"]) == expected


def test_layers_that_are_there_are_not_sent_again(world: Any, site: Any, packed: Pack) -> None:
    files, _ = layout()
    site.blobs |= {digest(body): body for name, body in files.items() if name.startswith("blobs/")}
    publish(world.aws, "cutover", packed(files), "1.0.0", "latest")
    assert site.asked("POST") == []


def test_an_upload_placed_elsewhere_still_goes_through_the_one_address(world: Any, site: Any, packed: Pack) -> None:
    site.elsewhere = "http://registry.invalid:1"
    files, expected = layout()
    assert publish(world.aws, "cutover", packed(files), "1.0.0", "latest").digest == expected


@pytest.mark.parametrize("fault", [("PUT", 503), ("POST", 500), ("HEAD", 429), ("PUT", 0), ("HEAD", 0)])
def test_a_passing_fault_is_tried_again(world: Any, site: Any, packed: Pack, fault: tuple[str, int]) -> None:
    site.faults = [fault] * (ATTEMPTS - 1)
    files, expected = layout()
    assert publish(world.aws, "cutover", packed(files), "1.0.0", "latest").digest == expected
    assert world.slept == [1.0, 2.0, 3.0]


def test_a_fault_that_stays_is_given_up_on(world: Any, site: Any, packed: Pack) -> None:
    site.faults = [("PUT", 503)] * ATTEMPTS
    with pytest.raises(errors.RegistryUnreachable, match="in 4 attempts, at last: 503 trouble"):
        publish(world.aws, "cutover", packed(layout()[0]), "1.0.0", "latest")


def test_a_registry_that_is_not_there_is_named(world: Any, site: Any) -> None:
    site.faults = [("HEAD", 0)] * ATTEMPTS
    with pytest.raises(errors.RegistryUnreachable, match="manifests/1"):
        resolve(world.aws, "cutover", "1")


def test_an_answer_that_stays_is_not_tried_again(world: Any, site: Any, packed: Pack) -> None:
    site.faults = [("POST", 403)]
    with pytest.raises(errors.RegistryRefused, match="403: trouble"):
        publish(world.aws, "cutover", packed(layout()[0]), "1.0.0", "latest")
    assert world.slept == []


def test_a_registry_that_stores_other_bytes_is_not_believed(world: Any, site: Any, packed: Pack) -> None:
    site.lies = "sha256:other"
    with pytest.raises(errors.DigestMismatch):
        publish(world.aws, "cutover", packed(layout()[0]), "1.0.0", "latest")


def test_a_registry_that_tells_no_digest_is_asked_for_the_bytes(world: Any, site: Any, packed: Pack) -> None:
    site.tells_digest = False
    files, expected = layout()
    publish(world.aws, "cutover", packed(files), "1.0.0", "latest")
    assert resolve(world.aws, "cutover", "1.0.0").digest == expected


@pytest.mark.parametrize("form", ["{tag}", "{uri}:{tag}", "{digest}", "{uri}@{digest}"])
def test_an_image_is_named_by_tag_or_digest_with_or_without_the_repository(world: Any, site: Any, form: str) -> None:
    held = site.hold(b"manifest", "1.0.0")
    assert resolve(world.aws, "cutover", form.format(tag="1.0.0", uri=URI, digest=held)).digest == held


@pytest.mark.parametrize("name", ["other.example/cutover:1", "cutover:1", f"{URI}x:1", "a@sha256:1"])
def test_an_image_of_another_repository_is_refused(world: Any, name: str) -> None:
    with pytest.raises(errors.ForeignImage, match="publish it there first"):
        resolve(world.aws, "cutover", name)


def test_an_unknown_digest_is_refused(world: Any) -> None:
    with pytest.raises(errors.ImageMissing):
        resolve(world.aws, "cutover", "sha256:" + "0" * 64)


def test_without_a_repository_provision_is_wanted(world: Any) -> None:
    world.repositories.clear()
    with pytest.raises(errors.RepositoryMissing, match="run `provision` first"):
        resolve(world.aws, "cutover", "1.0.0")


def test_another_refusal_of_ecr_passes_through(world: Any) -> None:
    world.clients["ecr"].faults["describe_repositories"] = [world.error("DescribeRepositories", "AccessDenied")]
    with pytest.raises(errors.AwsFault):
        resolve(world.aws, "cutover", "1.0.0")


def spoiled(change: str) -> Files:
    """A layout with one thing wrong."""
    files, top = layout()
    blob = next(name for name in files if name.startswith("blobs/") and top[7:] not in name)
    manifest = f"blobs/{top.replace(':', '/')}"
    wrong = {
        "no index": lambda: files.pop("index.json"),
        "no JSON": lambda: files.update({"index.json": b"{"}),
        "two images": lambda: files.update({"index.json": json.dumps({"manifests": [1, 2]}).encode()}),
        "no digest": lambda: files.update({"index.json": json.dumps({"manifests": [{}]}).encode()}),
        "no blob": lambda: files.pop(blob),
        "no manifest": lambda: files.pop(manifest),
        "another blob": lambda: files.update({blob: b"changed"}),
        "another manifest": lambda: files.update({manifest: b"{}"}),
        "a large index": lambda: files.update({"index.json": b" " * (5 << 20)}),
    }
    wrong[change]()
    return files


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("no index", "it holds no index.json"),
        ("no JSON", "index.json is not JSON"),
        ("two images", "exactly one image"),
        ("no digest", "no sha256 digest"),
        ("no blob", "it holds no blobs/sha256/"),
        ("no manifest", "it holds no blobs/sha256/"),
        ("another blob", "have another digest"),
        ("another manifest", "have another digest"),
        ("a large index", "too large"),
    ],
)
def test_a_spoiled_archive_is_refused(world: Any, packed: Pack, change: str, problem: str) -> None:
    with pytest.raises(errors.BadArchive, match=problem):
        publish(world.aws, "cutover", packed(spoiled(change)), "1.0.0", "latest")


def test_a_file_that_is_no_archive_is_refused(world: Any, tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_text("no tar", encoding="utf-8")
    with pytest.raises(errors.BadArchive):
        publish(world.aws, "cutover", tmp_path / "image.tar", "1.0.0", "latest")
    with pytest.raises(errors.BadArchive, match="No such file"):
        publish(world.aws, "cutover", tmp_path / "none.tar", "1.0.0", "latest")
