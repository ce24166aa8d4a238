"""Folders by content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.engine.trees import Entry, Tree, clean, matcher


def f(path: str, blob: str = "0") -> Entry:
    return Entry(path, "f", blob=blob)


def d(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, "d", mode)


def tree(*paths: str) -> Tree:
    return Tree.of(f(path) for path in paths)


def paths(found: Tree) -> list[str]:
    return [entry.path for entry in found.entries]


names = st.text("ab.-_é", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
files = st.dictionaries(st.lists(names, min_size=1, max_size=3).map("/".join), st.sampled_from("012"), max_size=6)


@given(files, st.randoms())
def test_the_digest_depends_on_the_content_and_not_on_the_order_given(content: dict[str, str], random: object) -> None:
    entries = [f(path, blob) for path, blob in content.items()]
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Tree.of(entries).digest == Tree.of(shuffled).digest


@given(files, files)
def test_other_content_has_another_digest(one: dict[str, str], other: dict[str, str]) -> None:
    digests = {Tree.of(f(path, blob) for path, blob in content.items()).digest for content in (one, other)}
    assert len(digests) == (1 if one == other else 2)


@given(files)
def test_rows_give_the_tree_back(content: dict[str, str]) -> None:
    found = Tree.of(f(path, blob) for path, blob in content.items())
    assert Tree.from_rows(found.rows()) == found


@given(files, files)
def test_merging_twice_is_merging_once(one: dict[str, str], other: dict[str, str]) -> None:
    left, right = (Tree.of(f(path, blob) for path, blob in content.items()) for content in (one, other))
    assert left.merged(right).merged(right) == left.merged(right)
    assert left.merged(Tree()) == left


def test_missing_parents_are_added_before_what_they_hold() -> None:
    assert paths(tree("a/b/c", "a-b")) == ["a", "a-b", "a/b", "a/b/c"]


def test_of_two_entries_of_one_path_the_later_one_stays() -> None:
    assert Tree.of([f("a", "1"), f("a", "2")]).entries == (f("a", "2"),)


def test_where_both_have_a_path_the_other_tree_wins() -> None:
    merged = Tree.of([f("a", "1"), f("b", "1")]).merged(Tree.of([f("a", "2")]))
    assert merged.by_path["a"].blob == "2"
    assert merged.by_path["b"].blob == "1"


def test_a_file_takes_the_place_of_a_directory_and_a_directory_that_of_a_file() -> None:
    assert paths(tree("a/b", "c").merged(tree("a"))) == ["a", "c"]
    merged = tree("a").merged(Tree((f("a/b"),)))
    assert [(entry.path, entry.kind) for entry in merged.entries] == [("a", "d"), ("a/b", "f")]


def test_a_directory_that_is_there_keeps_its_mode_when_a_file_is_put_in() -> None:
    merged = Tree.of([d("a", 0o700)]).merged(Tree((f("a/b"),)))
    assert merged.by_path["a"].mode == 0o700


def test_without_takes_a_directory_with_what_it_holds() -> None:
    assert paths(tree("a/b", "a/c", "ab").without(["/a/"])) == ["ab"]
    assert paths(tree("a/b").without(["nothing"])) == ["a", "a/b"]


def test_a_subtree_placed_again_is_where_it_was() -> None:
    found = tree("a/b/c")
    assert paths(found.subtree("a")) == ["b", "b/c"]
    assert found.subtree("a").placed("/a") == found
    assert found.subtree("/") is found
    assert found.placed(".") is found
    assert found.subtree("nothing") == Tree()


def test_what_a_path_is() -> None:
    found = tree("a/b")
    assert found.holds_directory("/")
    assert found.holds_directory("a/")
    assert not found.holds_directory("a/b")
    assert found.get("/a/b") == f("a/b")
    assert found.get("/") is None
    assert [entry.path for entry in found.children("/")] == ["a"]
    assert [entry.path for entry in found.children("a")] == ["a/b"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("/", ""), (".", ""), ("a/./b//c/", "a/b/c"), ("../a", "a"), ("/a/../b", "b"), ("a/../../b", "b")],
)
def test_paths_never_leave_the_root(given: str, wanted: str) -> None:
    assert clean(given) == wanted


@pytest.mark.parametrize(
    ("include", "exclude", "path", "kept"),
    [
        ([], [], "a", True),
        (["*.py"], [], "a.py", True),
        (["*.py"], [], "sub/a.py", False),
        (["**/*.py"], [], "sub/a.py", True),
        (["sub"], [], "sub/deep/a", True),
        (["./sub"], [], "sub/a", True),
        (["/sub"], [], "sub/a", True),
        (["."], [], "sub/a", True),
        ([], ["sub"], "sub/a", False),
        ([], ["**/__pycache__"], "a/__pycache__/b.pyc", False),
        ([], ["*"], "sub/a", False),
        ([], ["sub/*", "!sub/a"], "sub/b/c", False),
        ([], ["*", "!keep"], "keep", True),
        ([], ["*", "!keep"], "other", False),
        ([], ["!keep", "*"], "keep", False),
        (["app/**", "!app/requirements*.txt"], [], "app/views.py", True),
        (["app/**", "!app/requirements*.txt"], [], "app/requirements-test.txt", False),
        (["sub"], ["sub/b"], "sub/a", True),
        (["sub"], ["sub/b"], "sub/b", False),
    ],
)
def test_patterns_are_those_of_dockerignore(include: list[str], exclude: list[str], path: str, kept: bool) -> None:
    assert matcher(include, exclude)(path, False) is kept


def test_a_slash_at_a_patterns_end_changes_nothing() -> None:
    keep = matcher((), ["build/"])
    assert not keep("build", True)
    assert not keep("build", False)


def test_filtered_keeps_the_directories_that_lead_to_what_is_kept() -> None:
    found = tree("a/b/c.py", "a/d.txt", "e.txt")
    assert paths(found.filtered(["**/*.py"])) == ["a", "a/b", "a/b/c.py"]
    assert paths(found.filtered((), ["a"])) == ["e.txt"]
    assert found.filtered() is found


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*", ["a", "a/b.py", "a-b", "c.py", "cxpy"]), ("*.py", ["c.py"]), ("**/?.py", ["a/b.py", "c.py"]),
        ("a", ["a"]), ("/a/**", ["a/b.py"]), ("./a/*", ["a/b.py"]), ("[ac].py", ["c.py"]), ("[^c]*", ["a", "a-b"]),
        ("c\\.py", ["c.py"]), ("no", []),
    ],
)  # fmt: skip
def test_glob_gives_what_matches_folder_by_folder(pattern: str, found: list[str]) -> None:
    assert [entry.path for entry in tree("a/b.py", "a-b", "c.py", "cxpy").glob(pattern)] == found


def test_mapped_changes_each_entry() -> None:
    assert tree("a").mapped(lambda entry: Entry("z", entry.kind)).entries == (Entry("z", "f"),)
