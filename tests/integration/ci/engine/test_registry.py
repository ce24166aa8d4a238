"""Images to and from a real registry on loopback: published, pulled, mirrored, with a login."""

import base64
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker
FILE = 'withNewFile(path:"/greeting",contents:"hello")'
ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
Start = Callable[..., str]


def publish(engine: Any, address: str, fields: str = FILE, args: str = "") -> str:
    """Publish Python's base image with `fields`; gives the reference."""
    query = f'{{container{{from(address:"python:3.13-slim"){{{fields}{{publish(address:"{address}"{args})}}}}}}}}'
    return str(engine.get(query))


def manifest(reference: str) -> Any:
    """What the registry has under `HOST/NAME:TAG@DIGEST`."""
    name, _, digest = reference.partition("@")
    host, _, repository = name.partition("/")
    url = f"http://{host}/v2/{repository.partition(':')[0]}/manifests/{digest}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": ACCEPT})) as answer:
        return json.load(answer)


def refusal(engine: Any, query: str) -> str:
    """The one error of a query."""
    (error,) = engine.answer(query)["errors"]
    return str(error["message"])


def test_what_was_published_is_pulled_by_tag_and_by_digest(engine: Any, start_registry: Start) -> None:
    address = start_registry()
    reference = publish(engine, f"{address}/a/greeting:1")
    assert reference.startswith(f"{address}/a/greeting:1@sha256:")
    for name in (f"{address}/a/greeting:1", f"{address}/a/greeting@{reference.partition('@')[2]}"):
        assert engine.get(f'{{container{{from(address:"{name}"){{file(path:"/greeting"){{contents}}}}}}}}') == "hello"
    assert publish(engine, f"{address}/a/greeting:2").partition("@")[2] == reference.partition("@")[2]


def test_annotations_compression_and_media_types_are_the_manifests(engine: Any, start_registry: Start) -> None:
    address = start_registry()
    fields = 'withAnnotation(name:"org.opencontainers.image.title",value:"greeting")'
    made = manifest(publish(engine, f"{address}/a:1", fields, ",forcedCompression:Zstd"))
    assert made["annotations"] == {"org.opencontainers.image.title": "greeting"}
    assert {layer["mediaType"].rpartition("+")[2] for layer in made["layers"]} == {"zstd"}
    assert made["mediaType"] == "application/vnd.oci.image.manifest.v1+json"


def test_platform_variants_are_published_as_one_index(engine: Any, start_registry: Start) -> None:
    address = start_registry()
    other = engine.get('{container(platform:"linux/arm64"){withNewFile(path:"/a",contents:"b"){id}}}')
    index = manifest(publish(engine, f"{address}/a:1", FILE, f',platformVariants:["{other}"]'))
    assert [row["platform"]["architecture"] for row in index["manifests"]][1:] == ["arm64"]
    assert len(index["manifests"]) == 2


def test_a_mirror_is_asked_before_the_registry_itself(
    engine: Any, open_engine: Any, start_registry: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = start_registry()
    publish(engine, f"{address}/team/tool:1")
    monkeypatch.setenv("CUTOVER_REGISTRY_MIRRORS", f"registry.invalid=http://{address}")
    with open_engine() as mirrored:
        query = '{container{from(address:"registry.invalid/team/tool:1"){file(path:"/greeting"){contents}}}}'
        assert mirrored.get(query) == "hello"
        assert "registry.invalid" in refusal(mirrored, query.replace("tool:1", "none:1"))


class TestLogin:
    """A registry that asks who it is."""

    def published(self, engine: Any, address: str, password: str) -> str:
        """The query that publishes with a login."""
        secret = engine.get(f'{{setSecret(name:"password",plaintext:"{password}"){{id}}}}')
        login = f'withRegistryAuth(address:"{address}",username:"me",secret:"{secret}")'
        return f'{{container{{{FILE}{{{login}{{publish(address:"{address}/a:1")}}}}}}}}'

    def test_a_container_is_given_the_login(self, engine: Any, start_registry: Start) -> None:
        address = start_registry(login=True)
        assert engine.get(self.published(engine, address, "sesame")).startswith(f"{address}/a:1@sha256:")

    def test_without_one_or_with_a_wrong_one_it_is_refused_in_one_sentence(
        self, engine: Any, start_registry: Start
    ) -> None:
        address = start_registry(login=True)
        bare = refusal(engine, f'{{container{{{FILE}{{publish(address:"{address}/a:1")}}}}}}')
        wrong = refusal(engine, self.published(engine, address, "mellon"))
        for message in (bare, wrong):
            assert address in message
            assert "\n" not in message
        assert "mellon" not in wrong

    def test_dockers_own_login_is_used(
        self, engine: Any, start_registry: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = start_registry(login=True)
        row = {"auth": base64.b64encode(b"me:sesame").decode()}
        (tmp_path / "config.json").write_text(json.dumps({"auths": {address: row}}), encoding="utf-8")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        assert publish(engine, f"{address}/a:1").startswith(f"{address}/a:1@sha256:")


def test_a_command_for_another_machine_says_so(engine: Any) -> None:
    """The shell too is the other machine's, as in any image for it: C libraries try it with what they cannot run."""
    arm = "7f454c4602010100" + "00" * 8 + "0200b700" + "01000000" + "00" * 40  # the head of an ELF file for aarch64
    code = f"""
import os, pathlib
os.makedirs("/x/bin")
for name in ("arm", "sh"):
    place = pathlib.Path("/x/bin", name)
    place.write_bytes(bytes.fromhex("{arm}"))
    place.chmod(0o755)
"""
    folder = engine.python(code, then='directory(path:"/x"){id}')
    run = 'withExec(args:["/bin/arm"]){stdout}'
    (error,) = engine.answer(f'{{container{{withDirectory(path:"/",source:"{folder}"){{{run}}}}}}}')["errors"]
    assert "fork/exec /bin/arm: exec format error" in error["extensions"]["stderr"]
    assert "qemu-user-static" in error["extensions"]["stderr"]
