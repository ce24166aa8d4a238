"""The store's bound: what is removed first, and what never."""

import os
import time

import pytest

from ci.engine import usage
from ci.engine.errors import InvalidArgumentError
from ci.engine.store import Store
from ci.engine.trees import Entry, Tree
from ci.engine.usage import KeptImage

LONG_AGO = time.time() - 10_000
BASE, FIRST, SECOND = ("sha256:" + digit * 64 for digit in "abc")


class Kept:
    """What the engine keeps in Docker, in memory."""

    def __init__(self, *images: KeptImage, volumes: dict[str, int] | None = None) -> None:
        self.images = {image.id: image for image in images}
        self.volumes = volumes or {}
        self.measured = 0  # how often the volumes' sizes were asked for

    def kept_images(self) -> list[KeptImage]:
        return list(self.images.values())

    def kept_volumes(self) -> dict[str, int]:
        self.measured += 1
        return dict(self.volumes)

    def remove_image(self, image: str) -> bool:
        if any(other.parent == image for other in self.images.values()):
            return False
        return self.images.pop(image, None) is not None

    def remove_volume(self, volume: str) -> bool:
        return self.volumes.pop(volume, None) is not None


def age(store: Store, seconds: float, kind: str = "", key: str = "") -> None:
    """Make everything, or one record, look last used at LONG_AGO plus `seconds`."""
    below = store.root / "records" / kind / key[:2] / key if kind else store.root
    for path in (below, *below.rglob("*")):
        if path.is_file() and "leases" not in path.parts:
            os.utime(path, (LONG_AGO + seconds, LONG_AGO + seconds))


def chain(store: Store) -> Kept:
    """Two steps, the second made over the first, each with its image, over a base image that was pulled."""
    store.put_record("exec", "1" * 64, {"image": FIRST, "name": "withExec one"})
    store.put_record("exec", "2" * 64, {"image": SECOND, "name": "withExec two"})
    made = (KeptImage(FIRST, BASE, 100, LONG_AGO, "cutover/layer:1", store.id),)
    return Kept(*made, KeptImage(SECOND, FIRST, 200, LONG_AGO, "cutover/layer:2", store.id))


def records(store: Store) -> set[str]:
    return {path.name for path in (store.root / "records").rglob("*") if path.is_file()}


def test_the_longest_unused_goes_first_and_no_more_than_must(store: Store) -> None:
    for name in "abc":
        store.put_record("tarball", name * 64, [store.put_bytes(name.encode() * 1000), 1000])
    age(store, 0)
    for number, name in enumerate("bac"):
        age(store, 1 + number, "tarball", name * 64)
    removed = usage.prune(store, None, 2500)
    assert records(store) == {"a" * 64, "c" * 64}
    assert sum(row.size for row in removed) >= 1000
    assert sum(row.size for row in usage.usage(store)) <= 2500


def test_what_is_read_counts_as_used(store: Store) -> None:
    store.put_record("tarball", "a" * 64, [store.put_bytes(b"a" * 1000), 1000])
    store.put_record("tarball", "b" * 64, [store.put_bytes(b"b" * 1000), 1000])
    age(store, 0)
    age(store, 5, "tarball", "b" * 64)
    Store(store.root).get_record("tarball", "a" * 64)
    usage.prune(store, None, 1500)
    assert records(store) == {"a" * 64}
    assert store.get_record("tarball", "a" * 64) is not None


def test_what_something_is_made_of_stays_as_long_as_that(store: Store) -> None:
    tree = Tree((Entry("f", "f", size=1000, blob=store.put_bytes(b"x" * 1000)),))
    store.put_tree(tree)
    store.put_record("function", "f" * 64, {"tree": tree.digest})
    store.put_record("tarball", "b" * 64, [store.put_bytes(b"b" * 1000), 1000])
    age(store, 0)
    age(store, 9, "function", "f" * 64)
    age(store, 5, "tarball", "b" * 64)
    usage.prune(store, None, 1700)
    assert records(store) == {tree.digest, "f" * 64}
    assert store.get_tree(tree.digest) == tree
    assert store.read(tree.entries[0].blob) == b"x" * 1000


def test_images_go_with_the_steps_that_gave_them_the_last_of_a_chain_first(store: Store) -> None:
    kept = chain(store)
    age(store, 0)
    age(store, 1, "exec", "2" * 64)
    rows = {(row.kind, row.description): row for row in usage.usage(store, kept)}
    assert rows["step", "withExec two"].last_used == LONG_AGO + 1
    assert rows["layer of files", "cutover/layer:1"].last_used == LONG_AGO + 1
    usage.prune(store, kept)
    assert (records(store), kept.images) == (set(), {})


def test_an_image_that_no_step_names_goes_where_this_store_made_it_and_only_there(store: Store) -> None:
    orphan = KeptImage(FIRST, "", 10, LONG_AGO, "cutover/layer:1", store.id)
    others = KeptImage(SECOND, "", 10, LONG_AGO, "cutover/layer:2", "another store")
    kept = Kept(orphan, others)
    usage.prune(store, kept)
    assert list(kept.images) == [SECOND]


def test_a_base_image_stays_where_a_running_call_resolved_it_whoever_built_it_and_when(store: Store) -> None:
    pulled = KeptImage(BASE, "", 10, LONG_AGO, "cutover/image:1")
    kept = Kept(pulled, KeptImage(FIRST, "", 10, LONG_AGO, "cutover/base:1"))
    store.put_record("resolved", "1" * 64, {"image": BASE, "name": "alpine"})
    age(store, 0)
    running = Store(store.root)
    with running.leased():
        assert running.has_record("resolved", "1" * 64)
        removed = usage.prune(store, kept)
        assert [row.description for row in removed] == ["cutover/base:1"]
        assert list(kept.images) == [BASE]
    usage.prune(store, kept)
    assert kept.images == {}


def test_a_cache_volume_counts_and_goes_with_its_record(store: Store) -> None:
    store.put_record("volume", "cutover-cache-1", {"key": "pip"})
    kept = Kept(volumes={"cutover-cache-1": 5000, "somebody's": 7})
    (row,) = usage.usage(store, kept)
    assert (row.kind, row.name, row.description) == ("cache volume", "cutover-cache-1", "pip")
    assert row.size > 5000
    age(store, 0)
    usage.prune(store, kept)
    assert kept.volumes == {"somebody's": 7}


def test_dockers_volumes_are_not_measured_for_a_store_that_has_none(store: Store) -> None:
    kept = chain(store)
    assert len(usage.usage(store, kept)) == 4
    assert kept.measured == 0
    store.put_record("volume", "cutover-cache-1", {"key": "pip"})
    assert len(usage.usage(store, kept)) == 5
    assert kept.measured == 1


def test_what_a_running_call_has_used_is_never_removed(store: Store) -> None:
    kept = chain(store)
    blob = store.put_bytes(b"old")
    age(store, 0)
    running = Store(store.root)
    with running.leased():
        running.get_record("exec", "2" * 64)
        assert running.has_blob(blob)
        assert {row.description for row in usage.usage(store, kept) if row.in_use} >= {"withExec two"}
        usage.prune(store, kept)
        assert records(store) == {"2" * 64}
        assert set(kept.images) == {FIRST, SECOND}
        assert store.read(blob) == b"old"
    usage.prune(store, kept)
    assert (records(store), kept.images) == (set(), {})


def test_the_lease_of_a_killed_process_holds_nothing(store: Store) -> None:
    (store.root / "leases" / "dead").write_text("", encoding="utf-8")
    store.put_record("tarball", "a" * 64, [])
    usage.prune(store)
    assert records(store) == set()
    assert list((store.root / "leases").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "bytes_"), [("500", 500), ("20G", 20 * 10**9), ("1.5 MB", 1_500_000), ("2TiB", 2 * 10**12)]
)
def test_the_bound_is_a_setting(store: Store, text: str, bytes_: int) -> None:
    assert usage.limit(store, {"CUTOVER_STORE_MAX": text}) == bytes_


def test_the_bound_follows_the_disk_where_none_is_set(store: Store) -> None:
    assert 0 < usage.limit(store, {}) <= usage.MOST


def test_a_bound_that_is_no_size_is_one_clear_error(store: Store) -> None:
    with pytest.raises(InvalidArgumentError, match="CUTOVER_STORE_MAX='much' is no size: use bytes, or a number"):
        usage.limit(store, {"CUTOVER_STORE_MAX": "much"})


def test_a_record_that_was_torn_is_listed_and_removed(store: Store) -> None:
    store.put_record("exec", "1" * 64, {})
    (store.root / "records/exec/11" / ("1" * 64)).write_text("{", encoding="utf-8")
    age(store, 0)
    assert [row.description for row in usage.usage(store)] == ["torn"]
    usage.prune(store)
    assert records(store) == set()
