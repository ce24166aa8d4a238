"""Files put in and taken out, folded into one layer."""

from ci.engine.changes import Changes
from ci.engine.trees import Entry, Tree


def file(path: str, blob: str = "b") -> Entry:
    return Entry(path, "f", size=1, blob=blob)


def paths(changes: Changes) -> list[str]:
    return [entry.path for entry in changes.tree().entries]


def test_later_files_replace_earlier_ones() -> None:
    changes = Changes()
    changes.put(Tree((file("a", "1"), file("d/b"))))
    changes.put(Tree((file("a", "2"),)))
    assert changes.tree().entries == (file("a", "2"), file("d/b"))
    assert not changes.takes_out


def test_what_is_taken_out_is_a_whiteout_beside_it() -> None:
    changes = Changes()
    changes.put(Tree((file("etc/new"),)))
    changes.take("/etc/passwd")
    changes.take("/etc/new")
    assert paths(changes) == ["etc/.wh.new", "etc/.wh.passwd"]
    assert changes.takes_out


def test_a_directory_that_is_taken_out_and_made_again_holds_only_what_is_new() -> None:
    changes = Changes()
    changes.take("/opt")
    changes.put(Tree((file("opt/a/b"),)))
    assert paths(changes) == ["opt", "opt/.wh..wh..opq", "opt/a/b"]


def test_a_file_in_the_place_of_one_that_was_taken_out_needs_no_mark() -> None:
    changes = Changes()
    changes.take("/opt")
    changes.put(Tree((file("opt"),)))
    assert paths(changes) == ["opt"]


def test_a_file_takes_the_place_of_a_directory_with_all_that_it_held() -> None:
    changes = Changes()
    changes.put(Tree((Entry("d", "d"), file("d/a"), file("db"))))
    changes.put(Tree((file("d"),)))
    assert paths(changes) == ["d", "db"]


def test_taking_out_a_directory_covers_what_was_taken_out_of_it_before() -> None:
    changes = Changes()
    changes.take("/usr/share/doc")
    changes.take("/usr/share")
    assert paths(changes) == ["usr/.wh.share"]


def test_three_hundred_changes_are_one_layer() -> None:
    changes = Changes()
    for number in range(300):
        changes.put(Tree((file(f"f{number}"),)))
        changes.take(f"/f{number - 1}")
    assert len([path for path in paths(changes) if ".wh." not in path]) == 1
