"""Images written anew: equal content gives equal bytes, whatever made the layers."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ci.ecs.archive import opened as opened_by_the_deployer
from ci.release import canonical

CREATED = 1_700_000_000
OLD: dict[str, Any] = {"architecture": "amd64", "os": "linux", "config": {"User": "1:1", "Labels": {"a": "b"}}}


def layer(*files: tuple[str, bytes | None], time: int = 1, owner: int = 0, mode: int = 0o644) -> tarfile.TarFile:
    """A layer of these files; None for a folder, `->NAME` in the bytes of a hard link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.mtime, info.uid, info.mode = time, owner, mode
            if data is None:
                info.type = tarfile.DIRTYPE
            elif data.startswith(b"->"):
                info.type, info.linkname = tarfile.LNKTYPE, data[2:].decode()
            info.size = len(data) if info.isfile() and data else 0
            tar.addfile(info, io.BytesIO(data or b""))
    out.seek(0)
    return tarfile.open(fileobj=out)


def written(*layers: tarfile.TarFile, **labels: str) -> tuple[str, bytes]:
    out = io.BytesIO()
    digest = canonical.write(layers, OLD, out, CREATED, labels)
    return digest, out.getvalue()


def contents(*layers: tarfile.TarFile) -> dict[str, bytes]:
    return {path: found.content(CREATED) for path, found in canonical.merged(layers).items()}


def test_order_times_owners_and_layering_change_no_byte() -> None:
    """The same files, in one layer or two, by another user at another time."""
    one = written(layer(("etc", None), ("etc/a", b"1"), ("srv/b", b"2")))
    other = written(layer(("srv/b", b"2"), time=9, owner=7), layer(("./etc/", None), ("./etc/a", b"1"), time=5))
    assert one == other


@pytest.mark.parametrize("changed", [("etc/a", b"2"), ("etc/b", b"1")])
def test_another_file_is_another_digest(changed: tuple[str, bytes]) -> None:
    """By content or by name."""
    assert written(layer(("etc/a", b"1")))[0] != written(layer(changed))[0]


def test_whiteouts_take_files_and_folders_back() -> None:
    """Image-spec, layer.md: whiteouts and opaque whiteouts."""
    lower = layer(("a/x", b"1"), ("a/y", b"2"), ("b/x", b"3"), ("c", b"4"), ("d/x", b"5"))
    upper = layer(("a/.wh.x", b""), ("b/.wh..wh..opq", b""), ("b/z", b"6"), (".wh.c", b""), (".wh.d", b""))
    assert contents(lower, upper) == {"a/y": b"2", "b/z": b"6"}


def test_a_file_in_place_of_a_folder_takes_all_below_it() -> None:
    """And a folder over a folder takes nothing."""
    assert contents(layer(("a", None), ("a/x", b"1")), layer(("a", b"2"))) == {"a": b"2"}
    assert contents(layer(("a", None), ("a/x", b"1")), layer(("a", None))) == {"a": b"", "a/x": b"1"}


def test_hard_links_become_files() -> None:
    """Also to a file of a lower layer."""
    assert contents(layer(("a", b"1"), ("b", b"->a")), layer(("c", b"->b"))) == {"a": b"1", "b": b"1", "c": b"1"}


def test_setuid_logs_caches_and_names_of_containers_are_left_out() -> None:
    """What differs with each build, and what gives rights."""
    files = canonical.merged([layer(("var/log/x", b"1"), ("etc/hostname", b"h"), ("tmp", None), mode=0o6755)])
    assert list(files) == ["tmp"]
    data = canonical.layer_of(canonical.merged([layer(("bin/su", b"x"), mode=0o4755)]), "", CREATED)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (member,) = tar.getmembers()
    assert (member.mode, member.mtime, member.uid) == (0o755, CREATED, 0)


def test_compiled_python_stays_valid_for_its_source() -> None:
    """Checked by time: the one time of all files; by hash: untouched."""
    timed, hashed = b"MAGC" + bytes(4) + b"oldt" + b"rest", b"MAGC" + b"\1\0\0\0" + b"hash" + b"rest"
    found = contents(layer(("a.pyc", timed), ("b.pyc", hashed)))
    assert found == {"a.pyc": b"MAGC" + bytes(4) + CREATED.to_bytes(4, "little") + b"rest", "b.pyc": hashed}


def test_the_deployer_reads_what_is_written(tmp_path: Path) -> None:
    """From gzipped layers to a layout with the digest that was printed, labels and all."""
    source, target = tmp_path / "in.tar", tmp_path / "out.tar"
    plain = layer(("etc/a", b"1"), ("venv/b", b"2"))
    assert plain.fileobj is not None
    plain.fileobj.seek(0)
    with source.open("wb") as out:
        layout = canonical.Layout(out)
        rows = [layout.blob("layer.v1.tar+gzip", gzip.compress(plain.fileobj.read()))]
        config = layout.blob("config.v1+json", canonical.document(OLD))
        layout.finish(layout.blob("manifest.v1+json", canonical.document({"config": config, "layers": rows})))
    digest = canonical.convert(str(source), str(target), CREATED, {"version": "1.2.3"})
    with opened_by_the_deployer(target) as archive:
        assert archive.top.digest == digest
        with archive.blob(archive.top.blobs[0]) as stream:
            written_config = json.load(stream)
    assert written_config["config"]["Labels"] | {"a": "b", "version": "1.2.3"} == written_config["config"]["Labels"]
    assert (written_config["created"], written_config["config"]["User"]) == ("2023-11-14T22:13:20Z", "1:1")
