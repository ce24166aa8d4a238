"""Mounts: what a command sees of them, what it may change, and what stays out of the image."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.docker

BASE = 'container{from(address:"python:3.13-slim"){%s}}'
FOLDER = '{directory{withNewFile(path:"a",contents:"1"){withNewFile(path:"sub/b",contents:"2"){id}}}}'
MOUNT = 'withMountedDirectory(path:"/usr/share/m",source:$s%s){%%s}'


def sh(script: str, then: str) -> str:
    return f'withExec(args:["sh","-c","{script}"]){{{then}}}'


@pytest.fixture
def folder(engine: Any) -> Any:
    return engine.get(FOLDER)


def get(engine: Any, fields: str, source: str) -> Any:
    return engine.get("query($s:ID!){%s}" % (BASE % fields), s=source)


def test_changes_in_a_mounted_directory_stay_with_it_and_out_of_the_image(engine: Any, folder: str) -> None:
    changed = (MOUNT % "") % sh("echo 3 > /usr/share/m/c; rm /usr/share/m/a; touch /kept", "%s")
    after = changed % 'withNewFile(path:"/usr/share/m/d",contents:"4"){%s}'
    listing = 'directory(path:"/usr/share/m"){glob(pattern:"**")}'
    assert get(engine, after % listing, folder) == ["c", "d", "sub/", "sub/b"]
    assert get(engine, after % sh("cd /usr/share/m; cat c d sub/b", "stdout"), folder) == "3\n42"
    outside = after % 'withoutMount(path:"/usr/share/m"){%s}'
    assert get(engine, outside % sh("ls -A /usr/share/m /kept", "stdout"), folder) == "/kept\n\n/usr/share/m:\n"
    assert get(engine, after % 'rootfs{glob(pattern:"usr/share/m/*")}', folder) == []


def test_a_mount_hides_what_the_image_has_there(engine: Any, folder: str) -> None:
    hidden = 'withMountedDirectory(path:"/etc",source:$s){{{}}}'.format(sh("ls /etc", "stdout"))
    listed = get(engine, hidden, folder).split()
    assert {"a", "sub"} <= set(listed)
    assert "passwd" not in listed


def test_a_read_only_mount_cannot_be_written(engine: Any, folder: str) -> None:
    script = "cat /usr/share/m/a; touch /usr/share/m/x 2>&1 | grep -o Read-only"
    assert get(engine, (MOUNT % ",readOnly:true") % sh(script, "stdout"), folder) == "1Read-only\n"


def test_a_mounted_file_keeps_what_was_written_to_it(engine: Any) -> None:
    file = engine.get('{file(name:"f",contents:"before",permissions:384){id}}')
    mounted = 'withMountedFile(path:"/opt/f",source:$s,owner:"7:8"){%s}'
    script = sh("stat -c '%%a %%u %%g' /opt/f; echo after > /opt/f", "%s")
    assert get(engine, mounted % (script % "stdout"), file) == "600 7 8\n"
    assert get(engine, mounted % (script % 'file(path:"/opt/f"){contents}'), file) == "after\n"


def test_mounts_within_a_mounted_directory_are_no_part_of_it(engine: Any, folder: str, volume: str) -> None:
    cache = engine.get("query($k:String!){cacheVolume(key:$k){id}}", k=volume)
    fields = (MOUNT % "") % ('withMountedCache(path:"/usr/share/m/cache",cache:$c){%s}')
    fields %= sh("echo big > /usr/share/m/cache/x", 'directory(path:"/usr/share/m"){glob(pattern:"**")}')
    found = engine.get("query($s:ID!,$c:ID!){%s}" % (BASE % fields), s=folder, c=cache)
    assert found == ["a", "sub/", "sub/b"]


def test_nothing_can_be_taken_out_of_a_cache(engine: Any, volume: str) -> None:
    cache = engine.get("query($k:String!){cacheVolume(key:$k){id}}", k=volume)
    query = "query($c:ID!){%s}" % (BASE % 'withMountedCache(path:"/c",cache:$c){directory(path:"/c/x"){entries}}')
    (error,) = engine.answer(query, c=cache)["errors"]
    assert error["message"] == "/c/x: cannot retrieve path from cache"


def test_a_new_cache_holds_its_source_with_its_owner_and_an_old_one_what_it_held(engine: Any, volume: str) -> None:
    cache = engine.get("query($k:String!){cacheVolume(key:$k){id}}", k=volume)
    source = engine.get(FOLDER)
    query = "query($s:ID!,$c:ID!){%s}" % (BASE % 'withMountedCache(path:"/c",cache:$c,source:$s,owner:"7:8"){%s}')
    script = sh("stat -c '%u %g' /c /c/a; cat /c/a; echo %d > /c/a", "stdout")
    assert engine.get(query % script.replace("%d", "5"), s=source, c=cache) == "7 8\n7 8\n1"
    assert engine.get(query % script.replace("%d", "6"), s=source, c=cache).endswith("5\n")


def test_a_private_cache_in_use_is_another_one_and_a_locked_one_is_waited_for(open_engine: Any, volume: str) -> None:
    def used(mode: str, number: int, started: threading.Barrier) -> str:
        with open_engine() as engine:
            cache = engine.get("query($k:String!){cacheVolume(key:$k){id}}", k=volume + mode)
            started.wait(60)
            script = f"mkdir /c/held && sleep 0.3 && rmdir /c/held && echo alone {number} || echo {number}"
            fields = 'withMountedCache(path:"/c",cache:$c,sharing:{}){{{}}}'.format(mode, sh(script, "stdout"))
            return str(engine.get("query($c:ID!){%s}" % (BASE % fields), c=cache))

    for mode in ("LOCKED", "PRIVATE"):
        barrier = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            found = sorted(pool.map(lambda number, mode=mode, barrier=barrier: used(mode, number, barrier), (1, 2)))
        assert found == ["alone 1\n", "alone 2\n"], mode


def test_a_temporary_directory_is_empty_bounded_and_gone_afterwards(engine: Any) -> None:
    mounted = 'withMountedTemp(path:"/t",size:1048576){%s}'
    script = "ls -A /t; df -k /t | tail -1 | tr -s ' ' | cut -d' ' -f2; echo echo runs > /t/x; chmod +x /t/x; /t/x"
    code = f"import subprocess; print(subprocess.run(['sh', '-c', {script!r}], capture_output=True, text=True).stdout)"
    assert engine.python(code, mounted) == "1024\nruns\n\n"
    assert engine.python("import os; print(os.path.exists('/t/x'))", mounted) == "False\n"


def test_streams_can_be_redirected_from_and_to_files(engine: Any) -> None:
    before = 'withNewFile(path:"/in",contents:"given"){%s}'
    args = ',redirectStdin:"/in",redirectStdout:"/opt/out",redirectStderr:"/opt/err"'
    code = "import sys; print(sys.stdin.read().upper()); print('oops', file=sys.stderr)"
    assert engine.python(code, before, 'file(path:"/opt/out"){contents}', args) == "GIVEN\n"
    assert engine.python(code, before, 'file(path:"/opt/err"){contents}', args) == "oops\n"


def test_a_variable_that_was_taken_away_is_not_in_the_environment(engine: Any) -> None:
    code = "import os; print(os.environ.get('PYTHON_VERSION'), os.environ.get('S'), os.environ.get('V'))"
    before = 'withVolatileVariable(name:"V",value:"v"){withExec(args:["true"]){withoutVolatileVariable(name:"V"){%s}}}'
    assert engine.python(code, f'withoutEnvVariable(name:"PYTHON_VERSION"){{{before}}}') == "None None None\n"
