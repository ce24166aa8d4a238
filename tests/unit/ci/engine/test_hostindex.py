"""What the engine remembers of a host's folder: never a wrong digest, and no work for what has not changed."""

import os
from pathlib import Path
from typing import Any

import pytest

from ci.engine import hostfs, hostindex
from ci.engine.hostindex import FINE_NS, Index, reachable
from ci.engine.store import Store
from ci.engine.trees import Tree

DAY_NS = 24 * 3600 * 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "node_modules" / "x").mkdir(parents=True)
    (root / "src" / "a.py").write_text("a", encoding="utf-8")
    (root / "src" / "deep" / "b.py").write_text("b", encoding="utf-8")
    (root / "node_modules" / "x" / "c.js").write_text("c", encoding="utf-8")
    return root


def record(store: Store, root: Path, **changes: Any) -> Any:
    """The folder's index, written back with `changes`."""
    place = hostindex.key(root, (), ())
    found = store.get_record("index", place)
    store.put_record("index", place, {**found, **changes})
    return found


def settle(store: Store, root: Path) -> None:
    """Let the index be as if it had been taken long after the last change."""
    record(store, root, at=record(store, root)["at"] + DAY_NS)


def test_an_unchanged_folder_is_answered_from_the_index_alone(store: Store, root: Path) -> None:
    hostfs.snapshot(store, root)
    settle(store, root)
    named = store.put_tree(Tree(()))
    record(store, root, tree=named)
    assert hostfs.digest(store, root) == named


def test_a_folder_whose_tree_the_store_has_lost_is_read_again(store: Store, root: Path) -> None:
    taken = hostfs.snapshot(store, root)
    settle(store, root)
    record(store, root, tree="gone")
    assert hostfs.digest(store, root) == taken.digest


def test_a_file_that_keeps_its_stamp_is_not_read_again_when_another_changes(store: Store, root: Path) -> None:
    hostfs.snapshot(store, root)
    settle(store, root)
    other = store.put_bytes(b"what the index says of a.py")
    rows = [[*row[:6], other] if row[0] == "src/a.py" else row for row in record(store, root)["files"]]
    record(store, root, files=rows)
    (root / "src" / "new.py").write_text("new", encoding="utf-8")
    tree = hostfs.snapshot(store, root)
    assert tree.by_path["src/a.py"].blob == other
    assert "src/new.py" in tree.by_path


def test_a_change_of_the_same_size_in_the_same_moment_is_seen(store: Store, root: Path) -> None:
    seen = set()
    for letter in "abcdefgh":
        (root / "src" / "a.py").write_text(letter, encoding="utf-8")
        seen.add(hostfs.digest(store, root))
    assert len(seen) == 8


@pytest.mark.parametrize("change", ["edit", "add", "remove", "mode", "link", "rename"])
def test_every_kind_of_change_gives_another_digest(store: Store, root: Path, change: str) -> None:
    before = hostfs.digest(store, root)
    settle(store, root)
    file = root / "src" / "deep" / "b.py"
    if change == "edit":
        file.write_text("B", encoding="utf-8")
    elif change == "add":
        (root / "src" / "deep" / "z.py").touch()
    elif change == "remove":
        file.unlink()
    elif change == "mode":
        file.chmod(0o755)
    elif change == "link":
        file.unlink()
        file.symlink_to("a.py")
    else:
        file.rename(root / "src" / "deep" / "c.py")
    assert hostfs.digest(store, root) != before


def test_a_file_put_back_with_its_old_times_is_read_again(store: Store, root: Path) -> None:
    file = root / "src" / "a.py"
    os.utime(file, ns=(0, 0))
    before = hostfs.digest(store, root)
    settle(store, root)
    file.write_text("b", encoding="utf-8")
    os.utime(file, ns=(0, 0))
    assert hostfs.digest(store, root) != before


def test_touched_files_and_another_clone_have_the_same_digest(store: Store, root: Path, tmp_path: Path) -> None:
    before = hostfs.digest(store, root)
    for file in root.rglob("*"):
        os.utime(file)
    assert hostfs.digest(store, root) == before
    assert hostfs.digest(store, root.rename(tmp_path / "clone")) == before


def test_a_stamp_younger_than_the_clocks_blur_is_not_trusted() -> None:
    now = DAY_NS + 1
    stamp = (0o100644, 1, now, now, 7)
    assert Index(now + FINE_NS, files={"a": (stamp, "blob")}).content("a", stamp) is None
    assert Index(now + FINE_NS + 1, files={"a": (stamp, "blob")}).content("a", stamp) == "blob"
    whole = (0o100644, 1, DAY_NS, DAY_NS, 7)
    assert Index(DAY_NS + FINE_NS + 1, files={"a": (whole, "blob")}).content("a", whole) is None


def test_a_folder_that_is_ignored_is_never_entered(store: Store, root: Path) -> None:
    hostfs.snapshot(store, root, exclude=["node_modules"])
    index = hostindex.load(store, root, (), ("node_modules",))
    assert index is not None
    assert sorted(index.folders) == ["", "src", "src/deep"]


def test_a_folder_that_no_included_pattern_reaches_is_never_entered(store: Store, root: Path) -> None:
    tree = hostfs.snapshot(store, root, include=["!**", "src/deep/*.py"])
    index = hostindex.load(store, root, ("!**", "src/deep/*.py"), ())
    assert index is not None
    assert sorted(index.folders) == ["", "src", "src/deep"]
    assert [entry.path for entry in tree.entries] == ["src", "src/deep", "src/deep/b.py"]


@pytest.mark.parametrize(
    ("pattern", "folder", "enters"),
    [
        ("ci/**", "ci", True),
        ("ci/**", "ci/engine", True),
        ("ci/**", "docs", False),
        ("!src/keep/*.txt", "src", True),
        ("src/keep/a.txt", "src/drop", False),
        ("**/*.py", "anything", True),
        ("*.py", "anything", True),
    ],
)
def test_a_pattern_reaches_the_folders_before_and_below_its_first_wildcard(
    pattern: str, folder: str, enters: bool
) -> None:
    assert reachable([pattern])(folder) is enters


def test_an_index_whose_tree_is_gone_is_made_anew(store: Store, root: Path) -> None:
    digest = hostfs.digest(store, root)
    settle(store, root)
    (store.root / "records" / "tree" / digest[:2] / digest).unlink()
    assert hostfs.snapshot(store, root).digest == digest
