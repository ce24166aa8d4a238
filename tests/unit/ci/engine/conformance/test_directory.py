"""Directory: every field's value, error and laziness, as the SDK's client gets them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[dagger.Directory], Awaitable[Any]]
ODD = "ä b\n$c'\"*.txt"


def tree() -> dagger.Directory:
    """a.txt, b/c.txt (0600), b/.hidden, an empty directory, and links to a file, a directory, the root and nowhere."""
    return (
        dag.directory()
        .with_new_file("a.txt", "A\nB\n")
        .with_new_file("b/c.txt", "C", permissions=0o600)
        .with_new_file("b/.hidden", "A")
        .with_new_directory("empty", permissions=0o711)
        .with_symlink("b/c.txt", "link")
        .with_symlink("/b", "folder")
        .with_symlink("../../../..", "b/up")
        .with_symlink("nowhere", "broken")
    )


def other() -> dagger.Directory:
    return dag.directory().with_new_file("c.txt", "other").with_new_file("d/e.py", "E", permissions=0o755)


async def mode(directory: dagger.Directory, path: str) -> int:
    return await directory.stat(path).permissions()


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda d: d.entries(), ["a.txt", "b/", "broken", "empty/", "folder", "link"]),
        (lambda d: d.entries(path="b"), [".hidden", "c.txt", "up"]),
        (lambda d: d.entries(path="/b/"), [".hidden", "c.txt", "up"]),
        (lambda d: d.entries(path="folder"), [".hidden", "c.txt", "up"]),
        (lambda d: d.entries(path="empty"), []),
        (lambda d: dag.directory().entries(), []),
        (lambda d: d.directory("b").entries(), [".hidden", "c.txt", "up"]),
        (lambda d: d.directory("folder").file("c.txt").contents(), "C"),
        (lambda d: d.directory("b").directory("..").entries(), [".hidden", "c.txt", "up"]),
        (lambda d: d.directory("../../b").entries(), [".hidden", "c.txt", "up"]),
        (lambda d: d.directory("b/up").entries(), ["a.txt", "b/", "broken", "empty/", "folder", "link"]),
        (lambda d: d.glob("*.txt"), ["a.txt"]),
        (lambda d: d.glob("**/*.txt"), ["a.txt", "b/c.txt"]),
        (lambda d: d.glob("b/**"), ["b/.hidden", "b/c.txt", "b/up"]),
        (lambda d: d.glob("[be]*"), ["b/", "broken", "empty/"]),
        (lambda d: d.glob("none"), []),
        (lambda d: d.name(), "/"),
        (lambda d: d.directory("b").name(), "b/"),
        (lambda d: d.directory("b").with_new_file("x", "").name(), "b/"),
        (lambda d: d.find_up("a.txt", "b"), "a.txt"),
        (lambda d: d.find_up("c.txt", "b"), "b/c.txt"),
        (lambda d: d.find_up("no", "b"), None),
        (lambda d: d.with_new_file("n/n", "1").entries(path="n"), ["n"]),
        (lambda d: d.with_new_file("/abs", "1").file("abs").contents(), "1"),
        (lambda d: d.with_new_file("../out", "1").file("out").contents(), "1"),
        (lambda d: d.with_new_file("folder/x", "1").entries(path="b"), [".hidden", "c.txt", "up", "x"]),
        (lambda d: d.with_new_file("link", "1").file("b/c.txt").contents(), "1"),
        (
            lambda d: d.with_new_file(ODD, ODD).entries(),
            ["a.txt", "b/", "broken", "empty/", "folder", "link", ODD],
        ),
        (lambda d: d.with_new_file(ODD, ODD).file(ODD).contents(), ODD),
        (lambda d: mode(d, "a.txt"), 0o644),
        (lambda d: mode(d, "b/c.txt"), 0o600),
        (lambda d: mode(d, "b"), 0o755),
        (lambda d: mode(d, "empty"), 0o711),
        (lambda d: mode(d.with_new_file("x", "", permissions=0o4755), "x"), 0o755),
        (lambda d: mode(d.with_new_file("b/c.txt", "new"), "b/c.txt"), 0o600),
        (lambda d: d.with_new_directory("x/y").glob("x/**"), ["x/y/"]),
        (lambda d: mode(d.with_new_directory("b", permissions=0o700), "b"), 0o755),
        (lambda d: d.with_directory("b", other()).entries(path="b"), [".hidden", "c.txt", "d/", "up"]),
        (lambda d: d.with_directory("b", other()).file("b/c.txt").contents(), "other"),
        (lambda d: d.with_directory("folder", other()).file("b/c.txt").contents(), "other"),
        (lambda d: d.with_directory("/", other()).entries(path="d"), ["e.py"]),
        (lambda d: d.with_directory("a.txt", other()).entries(path="a.txt"), ["c.txt", "d/"]),
        (lambda d: d.with_directory("x", other(), include=["**/*.py"]).glob("x/**"), ["x/d/", "x/d/e.py"]),
        (lambda d: d.with_directory("x", other(), exclude=["d/"]).glob("x/**"), ["x/c.txt"]),
        (lambda d: d.with_directory("x", dag.directory()).entries(path="x"), []),
        (lambda d: mode(d.with_directory("x", other(), permissions=0o700), "x"), 0o700),
        (lambda d: mode(d.with_directory("x", other(), permissions=0o700), "x/d/e.py"), 0o700),
        (lambda d: mode(d.with_directory("empty", other()), "empty"), 0o711),
        (lambda d: d.with_file("x", other().file("c.txt")).file("x").contents(), "other"),
        (lambda d: d.with_file("empty", other().file("c.txt")).entries(path="empty"), ["c.txt"]),
        (lambda d: d.with_file("new/", other().file("d/e.py")).entries(path="new"), ["e.py"]),
        (lambda d: mode(d.with_file("x", other().file("d/e.py")), "x"), 0o755),
        (lambda d: mode(d.with_file("x", other().file("d/e.py"), permissions=0o640), "x"), 0o640),
        (
            lambda d: d.with_files("x", [other().file("c.txt"), other().file("d/e.py")]).entries(path="x"),
            ["c.txt", "e.py"],
        ),
        (lambda d: mode(d.with_files("x", [other().file("c.txt")], permissions=0o600), "x/c.txt"), 0o600),
        (lambda d: d.with_symlink("a.txt", "new/l").directory("new").entries(), ["l"]),
        (lambda d: d.without_file("a.txt").glob("*.txt"), []),
        (lambda d: d.without_file("b/*.txt").entries(path="b"), [".hidden", "up"]),
        (lambda d: d.without_file("link").file("b/c.txt").contents(), "C"),
        (lambda d: d.without_file("no").glob("*.txt"), ["a.txt"]),
        (lambda d: d.without_directory("b").entries(), ["a.txt", "broken", "empty/", "folder", "link"]),
        (lambda d: d.without_directory("folder").entries(path="b"), [".hidden", "c.txt", "up"]),
        (lambda d: d.without_files(["a.txt", "b/c.txt", "no"]).glob("**/*.txt"), []),
        (lambda d: d.without_directory("/").entries(), []),
        (lambda d: d.filter(include=["*.txt", "b/.hidden"]).glob("**"), ["a.txt", "b/", "b/.hidden"]),
        (lambda d: d.filter(exclude=["b", "*k*"]).entries(), ["a.txt", "empty/", "folder"]),
        (lambda d: d.filter(exclude=["**", "!a.txt"]).entries(), ["a.txt"]),
        (lambda d: d.diff(d.with_new_file("b/new", "1").without_file("a.txt")).glob("**"), ["b/", "b/new"]),
        (lambda d: d.diff(d).entries(), []),
        (lambda d: d.exists("a.txt"), True),
        (lambda d: d.exists("no"), False),
        (lambda d: d.exists("broken"), False),
        (lambda d: d.exists("broken", do_not_follow_symlinks=True), True),
        (lambda d: d.exists("link", expected_type=dagger.ExistsType.REGULAR_TYPE), True),
        (lambda d: d.exists("link", expected_type=dagger.ExistsType.SYMLINK_TYPE), True),
        (lambda d: d.exists("folder", expected_type=dagger.ExistsType.DIRECTORY_TYPE), True),
        (lambda d: d.exists("a.txt", expected_type=dagger.ExistsType.DIRECTORY_TYPE), False),
        (lambda d: d.stat("a.txt").size(), 4),
        (lambda d: d.stat("link").name(), "c.txt"),
        (lambda d: d.stat("link").file_type(), dagger.FileType.REGULAR),
        (lambda d: d.stat("link", do_not_follow_symlinks=True).file_type(), dagger.FileType.SYMLINK),
        (lambda d: d.stat("folder").file_type(), dagger.FileType.DIRECTORY),
        (lambda d: d.with_timestamps(0).entries(path="empty"), []),
        (lambda d: d.with_error("").entries(path="empty"), []),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask(tree()) == value


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda d: d.entries(path="no"), "stat no: no such file or directory"),
        (lambda d: d.entries(path="a.txt"), "path a.txt is a file, not a directory"),
        (lambda d: d.directory("no").entries(), "stat no: no such file or directory"),
        (lambda d: d.directory("a.txt").entries(), "path a.txt is a file, not a directory"),
        (lambda d: d.directory("no").sync(), "stat no: no such file or directory"),
        (lambda d: d.file("no").contents(), "stat no: no such file or directory"),
        (lambda d: d.file("b").contents(), "path b is a directory, not a file"),
        (lambda d: d.file("broken").contents(), "stat broken: no such file or directory"),
        (lambda d: d.stat("no").size(), "stat no: no such file or directory"),
        (
            lambda d: d.with_symlink("/m", "l").with_symlink("l", "m").file("m").size(),
            "stat m: too many levels of symbolic links",
        ),
        (lambda d: d.with_symlink("x", "a.txt").entries(), "symlink x a.txt: file exists"),
        (lambda d: d.with_new_file("b", "1").entries(), "open b: is a directory"),
        (lambda d: d.with_new_file("/", "1").entries(), "path '/' is the directory itself, not a file in it"),
        (
            lambda d: d.with_new_file("x" * 256, "1").entries(),
            "File name length exceeds the maximum supported 255 characters",
        ),
        (lambda d: d.with_new_directory("../x").entries(), "cannot create directory outside parent: ../x"),
        (lambda d: d.find_up("a.txt", "../x"), r"cannot search outside parent: \.\./x"),
        (lambda d: d.find_up("", "b"), "name cannot be empty"),
        (
            lambda d: d.chown("/", "me").entries(),
            "failed to parse ownership me: open /etc/passwd: no such file or directory",
        ),
        (lambda d: d.with_error("on purpose").entries(), "on purpose"),
        (lambda d: d.search("("), r"regex parse error: \(: "),
        (lambda d: d.search("x", paths=["../x"]), r"path cannot escape directory: \.\./x"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=f"^{message}"):
        await ask(tree())


@pytest.mark.parametrize(
    "lazy",
    [
        lambda d: d.directory("no"), lambda d: d.file("no"), lambda d: d.with_directory("x", d.directory("no")),
        lambda d: d.with_file("x", d.file("no")), lambda d: d.directory("no").with_new_file("a", "1").filter(),
        lambda d: d.diff(d.directory("no")), lambda d: d.chown("/", "nobody"), lambda d: d.file("no").with_name("x"),
    ],
)  # fmt: skip
async def test_what_would_fail_does_not_before_it_is_asked_for(lazy: Callable[[dagger.Directory], Any]) -> None:
    made = lazy(tree())
    assert await made.id()
    with pytest.raises(dagger.QueryError):
        await made.sync()


async def test_digests_tell_content_names_modes_and_owners_apart_and_no_times() -> None:
    digest = await tree().digest()
    assert digest.startswith("sha256:")
    assert digest == await tree().with_new_file("x", "1").without_file("x").digest()
    assert digest == await tree().with_timestamps(5).digest()
    changed = [tree().with_new_file("a.txt", "x"), tree().chown("/", "1:2"), tree().with_new_directory("e")]
    assert len({digest, *[await one.digest() for one in changed]}) == 4


async def test_owners_by_name_are_those_the_directory_has() -> None:
    etc = dag.directory().with_new_file("etc/passwd", "me:x:7:8::/:\n").with_new_file("etc/group", "us:x:9:\n")
    assert await etc.chown("/etc", "me:us").digest() == await etc.chown("etc", "7:9").digest()
    with pytest.raises(dagger.QueryError, match=r"^failed to parse ownership you: find uid: no such user: you$"):
        await etc.chown("/", "you").sync()


async def test_gitignore_leaves_out_what_git_would() -> None:
    source = (
        dag.directory()
        .with_new_file(".gitignore", "*.log\n/build/\n!keep.log\n")
        .with_new_file("a.log", "").with_new_file("keep.log", "").with_new_file("build/keep.log", "")
        .with_new_file("sub/.gitignore", "!a.log\nc.py\n").with_new_file("sub/a.log", "").with_new_file("sub/c.py", "")
        .with_new_file("c.py", "")
    )  # fmt: skip
    kept = [".gitignore", "c.py", "keep.log", "sub/", "sub/.gitignore", "sub/a.log"]
    assert await source.filter(gitignore=True).glob("**") == kept
    assert await dag.directory().with_directory("/", source, gitignore=True).glob("**") == kept
    assert await source.filter(gitignore=True, exclude=["sub"]).glob("**") == kept[:3]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"pattern": "A"}, [("a.txt", 1, 0), ("b/.hidden", 1, 0)]),
        ({"pattern": "a", "insensitive": True, "skip_hidden": True}, [("a.txt", 1, 0)]),
        ({"pattern": "^B"}, [("a.txt", 2, 2)]),
        ({"pattern": "A\nB", "multiline": True}, [("a.txt", 1, 0)]),
        ({"pattern": "A.B", "multiline": True, "dotall": True}, [("a.txt", 1, 0)]),
        ({"pattern": "A.B", "multiline": True}, []),
        ({"pattern": ".", "literal": True}, []),
        ({"pattern": ".", "paths": ["b"]}, [("b/.hidden", 1, 0), ("b/c.txt", 1, 0)]),
        ({"pattern": ".", "globs": ["*.txt"], "limit": 2}, [("a.txt", 1, 0), ("a.txt", 2, 2)]),
        ({"pattern": ".", "globs": ["!*.txt"]}, [("b/.hidden", 1, 0)]),
        ({"pattern": ".", "files_only": True}, [("a.txt", 0, 0), ("b/.hidden", 0, 0), ("b/c.txt", 0, 0)]),
    ],
)
async def test_search(options: dict[str, Any], found: list[tuple[str, int, int]]) -> None:
    results = await tree().search(**options)
    assert [(await r.file_path(), await r.line_number(), await r.absolute_offset()) for r in results] == found


async def test_a_match_has_its_place_in_bytes() -> None:
    (result,) = await dag.directory().with_new_file("f", "x\näb äb\n").search("b")
    assert (await result.line_number(), await result.absolute_offset(), await result.matched_lines()) == (
        2,
        2,
        "äb äb\n",
    )
    assert [(await m.text(), await m.start(), await m.end()) for m in await result.submatches()] == [
        ("b", 2, 3), ("b", 6, 7),
    ]  # fmt: skip


async def test_export(workdir: Path) -> None:
    place = workdir / "tree"
    place.mkdir()
    (place / "old").write_text("old", encoding="utf-8")
    assert await tree().without_file("b/up").with_timestamps(7).export("tree") == str(place)
    assert sorted(p.name for p in place.iterdir()) == ["a.txt", "b", "broken", "empty", "folder", "link", "old"]
    assert (place / "b/c.txt").read_text(encoding="utf-8") == "C"
    assert (place / "b/c.txt").stat().st_mode & 0o777 == 0o600
    assert (place / "empty").stat().st_mode & 0o777 == 0o711
    assert (place / "a.txt").stat().st_mtime == 7
    assert (place / "folder").readlink() == Path("/b")
    await tree().without_file("b/up").export(str(place), wipe=True)
    assert not (place / "old").exists()


async def test_export_over_a_file_is_told(workdir: Path) -> None:
    (workdir / "taken").write_text("", encoding="utf-8")
    with pytest.raises(dagger.QueryError, match=r"taken is a file, not a directory$"):
        await tree().export("taken")
