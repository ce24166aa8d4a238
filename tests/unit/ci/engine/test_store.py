"""The store on disk."""

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ci.engine.errors import HostPathError
from ci.engine.store import Store
from ci.engine.trees import Entry, Tree

HELLO = hashlib.sha256(b"hello").hexdigest()


def left_over(store: Store) -> list[Path]:
    return list((store.root / "tmp").iterdir())


def test_a_blob_is_found_under_its_digest_however_it_came(store: Store, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"hello")
    assert store.put_bytes(b"hello") == HELLO
    assert store.put_stream(io.BytesIO(b"hello")) == (HELLO, 5)
    assert store.put_file(place) == (HELLO, 5)
    assert store.read(HELLO) == b"hello"
    assert store.has_blob(HELLO)
    assert not store.has_blob("0" * 64)
    assert left_over(store) == []


def test_a_write_that_breaks_off_leaves_nothing(store: Store) -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the disk is gone")
            return super().read(2)

    with pytest.raises(OSError, match="the disk is gone"):
        store.put_stream(Torn(b"hello"))
    assert left_over(store) == []
    assert list((store.root / "blobs").iterdir()) == []


def test_records_are_kept_by_kind_and_key(store: Store) -> None:
    store.put_record("exec", "ab12", {"exit_code": 0})
    store.put_record("exec", "ab12", {"exit_code": 1})
    assert store.get_record("exec", "ab12") == {"exit_code": 1}
    assert store.get_record("tree", "ab12") is None
    assert left_over(store) == []


def test_records_of_another_format_are_dropped_and_blobs_are_not(store: Store) -> None:
    blob = store.put_bytes(b"hello")
    store.put_record("layer", "ab12", {"digest": blob})
    (store.root / "format").write_text("1", encoding="utf-8")
    later = Store(store.root)
    assert later.get_record("layer", "ab12") is None
    assert later.read(blob) == b"hello"
    later.put_record("layer", "ab12", [blob, 5])
    assert Store(store.root).get_record("layer", "ab12") == [blob, 5]
    assert left_over(later) == []


def test_a_record_that_was_torn_counts_as_none(store: Store) -> None:
    store.put_record("exec", "ab12", {})
    (store.root / "records/exec/ab/ab12").write_text("{", encoding="utf-8")
    assert store.get_record("exec", "ab12") is None


def test_a_tree_is_kept_under_its_digest(store: Store) -> None:
    tree = Tree.of([Entry("a/b", "f", blob=store.put_bytes(b"x"), size=1), Entry("l", "l", target="a")])
    assert store.put_tree(tree) == tree.digest
    assert store.get_tree(tree.digest) == tree
    assert store.get_tree("0" * 64) is None


def test_another_store_on_the_same_folder_sees_the_same(store: Store) -> None:
    store.put_record("k", "key", [1])
    assert Store(store.root).get_record("k", "key") == [1]
    assert Store(store.root).salt() == store.salt()


def test_many_writers_of_one_blob_and_record_do_not_disturb_each_other(store: Store) -> None:
    def write(number: int) -> str:
        store.put_record("k", "key", {"number": number, "padding": "x" * 10_000})
        return store.put_bytes(b"hello")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(50))) == {HELLO}
    assert store.get_record("k", "key")["padding"] == "x" * 10_000
    assert left_over(store) == []


def test_a_lock_is_held_by_one_at_a_time(store: Store) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def enter(_: int) -> None:
        nonlocal inside, most
        with Store(store.root).locked("step"):
            with guard:
                inside += 1
                most = max(most, inside)
            with guard:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(50)))
    assert most == 1


def test_other_locks_are_free_meanwhile(store: Store) -> None:
    with store.locked("one"), store.locked("other"):
        pass


def test_the_salt_is_its_owners_only_and_stays(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        salts = set(pool.map(lambda _: Store(store.root).salt(), range(20)))
    assert len(salts) == 1
    assert len(salts.pop()) == 32
    assert (store.root / "salt").stat().st_mode & 0o777 == 0o600


def test_a_store_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(HostPathError, match=r"^the store .*/file/store cannot be written: Not a directory$"):
        Store(tmp_path / "file" / "store")
