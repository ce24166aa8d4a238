"""Files into containers, and out of them."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker

STAT = (
    "import os,sys\nfor p in sys.stdin.read().split(): s=os.stat(p); print(oct(s.st_mode & 0o7777), s.st_uid, s.st_gid)"
)


def stat(*paths: str) -> str:
    return ',stdin:"{}"'.format(" ".join(paths))


def test_files_are_put_in_with_owner_and_permissions(engine: Any) -> None:
    before = 'withNewFile(path:"/d/f",contents:"x",permissions:416,owner:"5:6"){%s}'
    assert engine.python(STAT, before, args=stat("/d/f")) == "0o640 5 6\n"


def test_owners_are_looked_up_in_the_image(engine: Any) -> None:
    before = 'withNewFile(path:"/f",contents:"x",owner:"nobody:www-data"){%s}'
    assert engine.python(STAT, before, args=stat("/f")) == "0o644 65534 33\n"
    answer = engine.answer(
        '{container{from(address:"python:3.13-slim"){withNewFile(path:"/f",contents:"x",owner:"nosuch"){sync}}}}'
    )
    assert answer["errors"][0]["message"] == "/etc/passwd of the image has no 'nosuch'"


def test_a_directory_is_put_in_with_owner_and_without_what_is_excluded(engine: Any) -> None:
    source = engine.get('{directory{withNewFile(path:"a",contents:"1"){withNewFile(path:"sub/b",contents:"2"){id}}}}')
    before = 'withDirectory(path:"/in",source:$s,owner:"7",exclude:["a"]){%s}'
    assert engine.python(STAT, before, args=stat("/in", "/in/sub/b"), s=source) == "0o755 7 7\n0o644 7 7\n"
    assert engine.python("import os; print(os.listdir('/in'))", before, s=source) == "['sub']\n"


def test_an_existing_directory_keeps_its_mode(engine: Any) -> None:
    before = 'withNewFile(path:"/tmp/f",contents:"x"){%s}'
    assert engine.python(STAT, before, args=stat("/tmp")) == "0o1777 0 0\n"


def test_links_are_put_in(engine: Any) -> None:
    assert (
        engine.python("import os; print(os.readlink('/l'))", 'withSymlink(target:"etc/passwd",linkName:"/l"){%s}')
        == "etc/passwd\n"
    )


def test_what_a_command_wrote_can_be_taken_out(engine: Any, tmp_path: Path) -> None:
    write = "import os; os.makedirs('/out/sub'); open('/out/sub/f','w').write('made'); os.symlink('sub/f','/out/l')"
    assert engine.python(write, then='directory(path:"/out"){glob(pattern:"**")}') == ["l", "sub/", "sub/f"]
    assert engine.python(write, then='file(path:"/out/sub/f"){contents}') == "made"
    engine.python(write, then='directory(path:"/out"){export(path:"exported")}')
    assert (tmp_path / "exported/l").read_text(encoding="utf-8") == "made"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('directory(path:"/nosuch"){entries}', "stat /nosuch: no such file or directory"),
        ('file(path:"/nosuch"){contents}', "stat /nosuch: no such file or directory"),
        ('file(path:"/etc"){contents}', "path /etc is a directory, not a file"),
        ('directory(path:"/etc/passwd"){entries}', "path /etc/passwd is a file, not a directory"),
    ],
)
def test_what_is_not_there_is_one_clear_error(engine: Any, field: str, message: str) -> None:
    answer = engine.answer(f'{{container{{from(address:"python:3.13-slim"){{{field}}}}}}}')
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == message


def test_a_mounted_directory_and_file_can_be_read_by_a_command_and_taken_out_again(engine: Any) -> None:
    source = engine.get('{directory{withNewFile(path:"sub/f",contents:"1"){id}}}')
    mounted = 'withMountedDirectory(path:"/m",source:$s){%s}'
    assert engine.python("print(open('/m/sub/f').read())", mounted, s=source) == "1\n"
    assert engine.python("", mounted, then='file(path:"/m/sub/f"){contents}', s=source) == "1"
    assert engine.python("", mounted, then='directory(path:"/m"){glob(pattern:"**")}', s=source) == ["sub/", "sub/f"]
    file = engine.get('{file(name:"x",contents:"2"){id}}')
    assert engine.python("print(open('/y').read())", 'withMountedFile(path:"/y",source:$f){%s}', f=file) == "2\n"


def test_a_mount_has_its_owner_and_leaves_the_folders_above_it_alone(engine: Any) -> None:
    source = engine.get('{directory{withNewFile(path:"f",contents:"1"){id}}}')
    mounted = 'withMountedDirectory(path:"/tmp/m",source:$s,owner:"nobody"){%s}'
    assert engine.python(STAT, mounted, args=stat("/tmp", "/tmp/m/f"), s=source) == "0o1777 0 0\n0o644 65534 65534\n"


def test_a_tarball_is_an_oci_layout_whose_digests_hold_and_is_made_alike_twice(
    engine: Any, open_engine: Any, tmp_path: Path
) -> None:
    made = 'asTarball{export(path:"%s")}'
    before = 'withLabel(name:"a",value:"b"){withExposedPort(port:80){withEntrypoint(args:["x"]){%s}}}'
    place = Path(engine.python("open('/f','w').write('1')", before, made % "one.tar"))
    with tarfile.open(place) as archive:
        content = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert json.loads(content["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    blobs = {name.rpartition("/")[2]: data for name, data in content.items() if name.startswith("blobs/sha256/")}
    assert all(hashlib.sha256(data).hexdigest() == digest for digest, data in blobs.items())
    (descriptor,) = json.loads(content["index.json"])["manifests"]
    manifest = json.loads(blobs[descriptor["digest"].removeprefix("sha256:")])
    assert all(row["digest"].removeprefix("sha256:") in blobs for row in (manifest["config"], *manifest["layers"]))
    config = json.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
    assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"])
    assert config["config"]["Labels"] == {"a": "b"}
    assert config["config"]["Entrypoint"] == ["x"]
    assert config["config"]["ExposedPorts"] == {"80/tcp": {}}
    with open_engine() as again:
        other = Path(again.python("open('/f','w').write('1')", before, made % "two.tar"))
    assert other.read_bytes() == place.read_bytes()
