"""What runs again, and what does not."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker

READ = "print(open('/in/file').read(), end='')"
PUT = 'withNewFile(path:"/in/file",contents:"%s"){%%s}'


def test_a_second_session_runs_no_container_for_the_same_steps(open_engine: Any) -> None:
    with open_engine() as engine:
        assert engine.python("print('once')") == "once\n"
    with open_engine() as engine:
        assert engine.python("print('once')") == "once\n"
        assert engine.created == 0
        assert (engine.session.progress.ran, engine.session.progress.cached) == (0, 1)


def test_a_changed_input_runs_again_only_what_depends_on_it(open_engine: Any) -> None:
    before = 'withExec(args:["sh","-c","echo independent > /first"]){' + PUT % "one" + "}"
    with open_engine() as engine:
        assert engine.python(READ, before) == "one"
    with open_engine() as engine:
        assert engine.python(READ, before.replace("one", "two")) == "two"
        assert (engine.session.progress.ran, engine.session.progress.cached) == (1, 1)


def test_a_touched_folder_is_the_same_folder(open_engine: Any, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for run in (1, 2):
        (tmp_path / "src" / "file").write_text("content", encoding="utf-8")
        with open_engine() as engine:
            source = engine.get('{host{directory(path:"src"){id}}}')
            assert engine.python(READ, 'withDirectory(path:"/in",source:$s){%s}', s=source) == "content"
            assert engine.session.progress.ran == (1 if run == 1 else 0)


def test_a_failure_is_not_kept_for_the_next_session(open_engine: Any) -> None:
    query = '{container{from(address:"python:3.13-slim"){withExec(args:["sh","-c","echo again; exit 6"]){stdout}}}}'
    for _ in range(2):
        with open_engine() as engine:
            assert "errors" in engine.answer(query)
            assert "errors" in engine.answer(query)
            assert engine.created == 1


def test_a_volatile_variable_is_no_part_of_a_key(open_engine: Any) -> None:
    seen = []
    for value in ("one", "two"):
        before = f'withVolatileVariable(name:"V",value:"{value}"){{%s}}'
        with open_engine() as engine:
            seen.append(engine.python("import os; print(os.environ['V'])", before))
    assert seen == ["one\n", "one\n"]


def test_a_cache_volume_keeps_what_was_put_there(open_engine: Any, volume: str) -> None:
    mount = 'withMountedCache(path:"/cache",cache:$c){%s}'
    for code in ("open('/cache/kept','w').write('yes')", "print(open('/cache/kept').read())"):
        with open_engine() as engine:
            cache = engine.get("query($k:String!){cacheVolume(key:$k){id}}", k=volume)
            found = engine.python(code, mount, c=cache)
    assert found == "yes\n"


def test_two_calls_can_look_at_what_docker_keeps_at_once(engine: Any, volume: str) -> None:
    """Docker counts what volumes take for one at a time, and refuses the others."""
    docker = engine.session.docker()
    docker.create_volume(volume, volume)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: docker.kept_volumes(), range(4)))
    assert all(volume in names for names in found)
