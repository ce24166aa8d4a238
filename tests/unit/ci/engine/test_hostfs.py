"""Folders of the host, in and out of the store."""

import os
import socket
from pathlib import Path

import pytest

from ci.engine import hostfs
from ci.engine.errors import HostPathError
from ci.engine.store import Store
from ci.engine.trees import Tree


def made(root: Path, umask: int = 0o022) -> Path:
    """A small project, as a clone under this umask makes it."""
    before = os.umask(umask)
    try:
        (root / "app" / "empty").mkdir(parents=True)
        (root / "app" / "views.py").write_text("print()\n", encoding="utf-8")
        (root / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
        (root / "run.sh").chmod(0o777 & ~umask)
        (root / "link").symlink_to("app/views.py")
    finally:
        os.umask(before)
    return root


def paths(tree: Tree) -> list[str]:
    return [entry.path for entry in tree.entries]


def test_two_clones_of_one_commit_give_one_tree(store: Store, tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "far" / "other", umask=0o077)
    for place in other.rglob("*"):
        os.utime(place, (1, 1), follow_symlinks=False)
    assert hostfs.snapshot(store, one).digest == hostfs.snapshot(store, other).digest


def test_a_changed_byte_an_executable_bit_and_a_link_change_the_tree(store: Store, tmp_path: Path) -> None:
    root = made(tmp_path / "one")
    digests = [hostfs.snapshot(store, root).digest]
    (root / "app" / "views.py").write_text("print(1)\n", encoding="utf-8")
    digests.append(hostfs.snapshot(store, root).digest)
    (root / "app" / "views.py").chmod(0o755)
    digests.append(hostfs.snapshot(store, root).digest)
    (root / "link").unlink()
    (root / "link").symlink_to("run.sh")
    digests.append(hostfs.snapshot(store, root).digest)
    assert len(set(digests)) == 4


def test_a_tree_written_out_and_taken_in_again_is_the_same(store: Store, tmp_path: Path) -> None:
    tree = hostfs.snapshot(store, made(tmp_path / "one"))
    hostfs.write_tree(store, tree, tmp_path / "out")
    assert hostfs.snapshot(store, tmp_path / "out") == tree
    assert (tmp_path / "out" / "run.sh").stat().st_mode & 0o777 == 0o755


def test_writing_replaces_files_and_keeps_what_else_is_there_unless_it_wipes(store: Store, tmp_path: Path) -> None:
    tree, out = hostfs.snapshot(store, made(tmp_path / "one")), made(tmp_path / "out")
    (out / "run.sh").write_text("old", encoding="utf-8")
    (out / "mine").write_text("mine", encoding="utf-8")
    hostfs.write_tree(store, tree, out)
    assert (out / "run.sh").read_text(encoding="utf-8") == "#!/bin/sh\n"
    assert (out / "mine").exists()
    hostfs.write_tree(store, tree, out, wipe=True)
    assert hostfs.snapshot(store, out) == tree


def test_include_and_exclude_choose_what_is_taken(store: Store, tmp_path: Path) -> None:
    root = made(tmp_path / "one")
    assert paths(hostfs.snapshot(store, root, include=["**/*.py"])) == ["app", "app/views.py"]
    assert paths(hostfs.snapshot(store, root, exclude=["app"])) == ["link", "run.sh"]
    assert paths(hostfs.snapshot(store, root, exclude=["*", "!app/views.py"])) == ["app", "app/views.py"]


def test_an_excluded_folder_is_not_even_read(store: Store, tmp_path: Path) -> None:
    root = made(tmp_path / "one")
    (root / ".venv" / "lib").mkdir(parents=True)
    (root / ".venv" / "lib" / "big").write_bytes(b"never read")
    hostfs.snapshot(store, root, exclude=[".venv"])
    assert b"never read" not in [place.read_bytes() for place in (store.root / "blobs").rglob("*") if place.is_file()]


def test_sockets_are_left_out(store: Store, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "sock"))
        assert "sock" not in paths(hostfs.snapshot(store, tmp_path, exclude=["store"]))


def test_a_missing_folder_or_file_is_one_clear_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(HostPathError, match=r"^lstat .*/nothing: no such file or directory$"):
        hostfs.snapshot(store, tmp_path / "nothing")
    with pytest.raises(HostPathError, match=r"^stat .*/nothing: no such file or directory$"):
        hostfs.one_file(store, tmp_path / "nothing")


def test_a_place_that_cannot_be_written_is_one_clear_error(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    tree = hostfs.one_file(store, tmp_path / "file")
    with pytest.raises(HostPathError, match=r"/file.* cannot be written: (Not a directory|File exists)$"):
        hostfs.write_tree(store, tree, tmp_path / "file")
    with pytest.raises(HostPathError, match=r"cannot be written: (Not a directory|File exists)$"):
        hostfs.write_file(store, tree.entries[0], tmp_path / "file" / "x")


def test_one_file_goes_in_and_out_with_its_mode(store: Store, tmp_path: Path) -> None:
    tree = hostfs.one_file(store, made(tmp_path / "one") / "run.sh")
    assert paths(tree) == ["run.sh"]
    hostfs.write_file(store, tree.entries[0], tmp_path / "deep" / "copy.sh")
    assert (tmp_path / "deep" / "copy.sh").stat().st_mode & 0o777 == 0o755
