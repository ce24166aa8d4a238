"""Trees out of the tar streams that Docker gives of a path, and into them."""

import io
import tarfile
from dataclasses import replace

import pytest

from ci.engine.store import Store
from ci.engine.tar import read_tree, tar_of, without_mount_points
from ci.engine.trees import Entry, Tree


def stream(*members: tuple[str, bytes, str]) -> io.BytesIO:
    """A tar stream of members: name, type, and what it holds or links to."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            info.linkname = content if kind in (tarfile.LNKTYPE, tarfile.SYMTYPE) else ""
            archive.addfile(info, io.BytesIO(content.encode()) if info.size else None)
    file.seek(0)
    return file


@pytest.mark.parametrize(("top", "prefix"), [("", "/"), ("etc", "etc/"), ("etc/", "etc/")])
def test_entries_are_relative_to_the_directory_asked_for(store: Store, top: str, prefix: str) -> None:
    file = stream(
        (top, tarfile.DIRTYPE, ""),
        (f"{prefix}a", tarfile.REGTYPE, "one"),
        (f"{prefix}etc", tarfile.DIRTYPE, ""),
        (f"{prefix}etc/b", tarfile.LNKTYPE, f"{prefix}a"),
        (f"{prefix}l", tarfile.SYMTYPE, "a"),
        (f"{prefix}null", tarfile.CHRTYPE, ""),
    )
    tree, is_directory = read_tree(store, iter([file.read()]))
    assert is_directory
    kinds = {entry.path: entry.kind for entry in tree.entries}
    assert kinds == {"a": "f", "etc": "d", "etc/b": "f", "l": "l"}
    assert store.read(tree.by_path["etc/b"].blob) == b"one"


def test_a_file_is_one_entry_under_its_own_name(store: Store) -> None:
    tree, is_directory = read_tree(store, iter([stream(("hosts", tarfile.REGTYPE, "x")).read()]))
    assert not is_directory
    assert [entry.path for entry in tree.entries] == ["hosts"]


def test_a_tree_comes_back_as_it_was_however_the_stream_is_cut(store: Store) -> None:
    blob = store.put_bytes(b"text")
    tree = Tree.of([Entry("d/f", "f", 0o640, 7, 8, 4, blob), Entry("l", "l", 0o777, target="d/f")])
    under_top = Tree((Entry("top", "d"), *(replace(entry, path=f"top/{entry.path}") for entry in tree.entries)))
    with tar_of(store, under_top) as file:
        data = file.read()
    for size in (1, 700, len(data)):
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        assert read_tree(store, pieces) == (tree, True)


@pytest.mark.parametrize(
    ("entry", "path", "kept"),
    [
        (Entry("hosts", "f"), "/etc", False),
        (Entry("hosts", "f", size=3, blob="0" * 64), "/etc", True),
        (Entry("hosts", "f"), "/srv/etc", True),
        (Entry("mtab", "l", target="/proc/mounts"), "/etc", False),
        (Entry("mtab", "l", target="elsewhere"), "/etc", True),
        (Entry(".dockerenv", "f"), "/", False),
        (Entry("dev/shm", "d"), "/", False),
    ],
)
def test_what_docker_puts_into_each_container_is_left_out(entry: Entry, path: str, kept: bool) -> None:
    assert bool(without_mount_points(Tree((entry,)), path).entries) is kept
