"""CacheVolume: what makes two the same, and where they are mounted; nothing here makes a volume."""

from collections.abc import Callable

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Made = Callable[[], dagger.CacheVolume]


def seeded(text: str = "1") -> dagger.CacheVolume:
    return dag.cache_volume("pip", source=dag.directory().with_new_file("a", text))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (lambda: dag.cache_volume("pip"), lambda: dag.cache_volume("pip"), True),
        (lambda: dag.cache_volume("pip"), lambda: dag.cache_volume("npm"), False),
        (seeded, seeded, True),
        (seeded, lambda: seeded("2"), False),
        (seeded, lambda: dag.cache_volume("pip"), False),
        (
            lambda: dag.cache_volume("pip", sharing=dagger.CacheSharingMode.LOCKED),
            lambda: dag.cache_volume("pip", sharing=dagger.CacheSharingMode.SHARED),
            False,
        ),
        (lambda: dag.cache_volume("pip", owner="1:1"), lambda: dag.cache_volume("pip", owner="2:2"), False),
    ],
)
async def test_one_is_what_its_arguments_say(one: Made, other: Made, same: bool) -> None:
    assert (await one().id() == await other().id()) is same


async def test_one_is_loaded_by_its_id_and_mounted() -> None:
    again = dag.load_cache_volume_from_id(dagger.CacheVolumeID(await seeded().id()))
    mounted = dag.container().with_workdir("/w").with_mounted_cache("c", again, owner="1:1")
    assert await mounted.mounts() == ["/w/c"]
    assert await mounted.without_mount("c").mounts() == []


async def test_what_would_fail_does_not_before_it_is_used() -> None:
    broken = dag.cache_volume("pip", source=dag.directory().directory("no"))
    mounted = dag.container().with_mounted_cache("/c", broken, sharing=dagger.CacheSharingMode.PRIVATE)
    assert await mounted.with_exec(["ls", "/c"]).id()
    with pytest.raises(dagger.QueryError):
        await mounted.with_exec(["ls", "/c"]).sync()


async def test_what_a_cache_holds_is_in_no_directory() -> None:
    mounted = dag.container().with_new_file("/x", "").with_mounted_cache("/c", seeded())
    with pytest.raises(dagger.QueryError, match="cache"):
        await mounted.directory("/c").entries()
