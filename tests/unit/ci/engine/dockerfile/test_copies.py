"""COPY and ADD pick sources and place them as Docker does."""

import io
import tarfile
from typing import Any

import pytest

from ci.engine.directories import Inputs
from ci.engine.dockerfile.copies import copied
from ci.engine.errors import EngineError, NotFoundError
from ci.engine.nodes import Node
from ci.engine.recipe import call
from ci.engine.store import Store
from ci.engine.trees import Entry, Tree

CONTEXT = call(None, "directory")
TARGET = call(None, "container")
FILES = ("a.txt", "b.txt", "c.py", "src/one.py", "src/deep/two.py", "src/skip.log")


class Trees:
    """The trees of the context, and of a container that has the folder /srv."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.context = Tree.of(Entry(path, "f", size=1, blob=store.put_bytes(b"x")) for path in FILES)

    def tree(self, node: Node | None) -> Tree:
        assert node is not None
        if node == CONTEXT:
            return self.context
        if node.parent == TARGET:
            if node.args["path"] != "/srv":
                raise NotFoundError(node.args["path"])
            return Tree()
        path = node.args["path"].strip("/")
        if self.context.get(path) is None:
            raise NotFoundError(path)
        if self.context.holds_directory(path) != (node.type == "Directory"):
            raise EngineError("of the other kind")
        entry = self.context.by_path[path]
        return self.context.subtree(path) if node.type == "Directory" else Tree((entry,))


@pytest.fixture
def trees(store: Store) -> Trees:
    return Trees(store)


def copy(trees: Trees, *paths: str, **changes: Any) -> Tree:
    args = {
        "sources": [{"from": CONTEXT, "path": path} for path in paths], "dest": "/dest", "folder": False,
        "target": TARGET, "mode": None, "exclude": [], "parents": False, "unpack": False, "line": 3,
    }  # fmt: skip
    return copied(Inputs(trees.store, trees.tree), Node("Directory", "dockerCopy", None, {**args, **changes}))


def files(tree: Tree) -> list[str]:
    return [entry.path for entry in tree.entries if entry.kind != "d"]


@pytest.mark.parametrize(
    ("paths", "changes", "wanted"),
    [
        (["/a.txt"], {}, ["dest"]),
        (["/a.txt"], {"folder": True}, ["dest/a.txt"]),
        (["/a.txt"], {"dest": "/srv"}, ["srv/a.txt"]),
        (["/a.txt", "/c.py"], {}, ["dest/a.txt", "dest/c.py"]),
        (["/*.txt"], {}, ["dest/a.txt", "dest/b.txt"]),
        (["/c.*"], {}, ["dest"]),
        (["/src"], {}, ["dest/deep/two.py", "dest/one.py", "dest/skip.log"]),
        (["/src/*"], {}, ["dest/one.py", "dest/skip.log", "dest/two.py"]),
        (["/src/*/two.py"], {"folder": True}, ["dest/two.py"]),
        (["/src"], {"exclude": ["*.log", "deep"]}, ["dest/one.py"]),
        (["/src/deep/two.py"], {"parents": True, "folder": True}, ["dest/src/deep/two.py"]),
        (["/src/deep"], {"dest": "/"}, ["two.py"]),
    ],
)
def test_where_files_go(trees: Trees, paths: list[str], changes: dict[str, Any], wanted: list[str]) -> None:
    assert files(copy(trees, *paths, **changes)) == wanted


def test_the_whole_context_is_copied(trees: Trees) -> None:
    assert files(copy(trees, "/")) == sorted(f"dest/{path}" for path in FILES)


def test_folders_that_are_there_are_left_as_they_are(trees: Trees) -> None:
    assert [entry.path for entry in copy(trees, "/a.txt", folder=True, dest="/tmp/x").entries] == ["tmp/x/a.txt"]


def test_the_mode_is_for_all_that_is_copied(trees: Trees) -> None:
    assert {entry.mode for entry in copy(trees, "/src", mode=0o700).entries} == {0o700}


@pytest.mark.parametrize("path", ["/none", "/none/*", "/*.none"])
def test_a_source_that_is_not_there_is_told_in_buildkits_words(trees: Trees, path: str) -> None:
    with pytest.raises(EngineError, match=r"line 3 of the Dockerfile: failed to compute cache key: .*: not found"):
        copy(trees, path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_add_unpacks_archives(store: Store, mode: Any) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        info = tarfile.TarInfo("./in/side")
        info.size, info.mode = 2, 0o755
        archive.addfile(info, io.BytesIO(b"hi"))
    trees = Trees(store)
    trees.context = Tree((Entry("x.tar", "f", size=1, blob=store.put_bytes(packed.getvalue())),))
    (entry,) = copy(trees, "/x.tar", unpack=True).entries
    assert (entry.path, entry.mode, store.read(entry.blob)) == ("dest/in/side", 0o755, b"hi")
    assert files(copy(trees, "/x.tar")) == ["dest"]


def test_add_leaves_what_is_no_archive(trees: Trees) -> None:
    assert files(copy(trees, "/a.txt", unpack=True)) == ["dest"]
