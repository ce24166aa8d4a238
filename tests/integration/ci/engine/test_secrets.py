"""Secrets in containers: there when they are needed, and nowhere afterwards."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker

VALUE = "s3cr3t-plaintext"


def secret(engine: Any, value: str = VALUE) -> Any:
    return engine.get('query($v:String!){setSecret(name:"token",plaintext:$v){id}}', v=value)


def test_a_secret_variable_is_given_and_scrubbed_out_of_all_output(engine: Any) -> None:
    code = "import os,sys; t=os.environ['T']; print(len(t), t); print(t, file=sys.stderr)"
    found = engine.python(
        code, 'withSecretVariable(name:"T",secret:$s){%s}', "stdout stderr combinedOutput", s=secret(engine)
    )
    assert found["stdout"] == f"{len(VALUE)} ***\n"
    assert found["stderr"] == "***\n"
    assert VALUE not in found["combinedOutput"]


def test_a_secret_is_scrubbed_out_of_errors(engine: Any) -> None:
    code = "import os,base64; t=os.environ['T']; print(t, base64.b64encode(t.encode()).decode()); raise SystemExit(5)"
    query = (
        'query($s:ID!,$c:String!){container{from(address:"python:3.13-slim")'
        '{withSecretVariable(name:"T",secret:$s){withExec(args:["python","-c",$c]){stdout}}}}}'
    )
    (row,) = engine.answer(query, s=secret(engine), c=code)["errors"]
    assert row["extensions"]["stdout"] == "*** ***"


def test_a_mounted_secret_can_be_read_and_is_no_part_of_the_image(engine: Any) -> None:
    mounted = 'withMountedSecret(path:"/run/token",source:$s){%s}'
    token = secret(engine)
    assert engine.python("print(len(open('/run/token').read()))", mounted, s=token) == f"{len(VALUE)}\n"
    assert (
        engine.python("", mounted + "", 'withoutMount(path:"/run/token"){file(path:"/run/token"){size}}', s=token) == 0
    )


def test_nothing_of_a_secret_is_kept(open_engine: Any, store: Any, tmp_path: Path) -> None:
    with open_engine() as engine:
        token = secret(engine, "never-on-disk")
        before = 'withSecretVariable(name:"T",secret:$s){withMountedSecret(path:"/t",source:$s){%s}}'
        code = "import os; print(os.environ['T'], open('/t').read())"
        image = engine.python(code, before, 'file(path:"/etc/hostname"){size}', s=token)
        assert image is not None
        outcome = engine.python(code, before, s=token)
        assert outcome == "*** ***\n"
        docker = engine.session.docker()
        made = [image.id for image in docker.kept_images() if image.store == store.id]
        configs = "".join(json.dumps([docker.image(image), docker.api.history(image)]) for image in made).encode()
    forms = (b"never-on-disk", base64.b64encode(b"never-on-disk"))
    kept = [place.read_bytes() for place in store.root.rglob("*") if place.is_file()]
    kept += [(tmp_path / "progress").read_bytes(), configs]
    assert made
    assert not [data for data in kept for form in forms if form in data]


def test_another_value_runs_the_step_again_and_the_same_does_not(open_engine: Any) -> None:
    code = "import os; print(len(os.environ['T']))"
    before = 'withSecretVariable(name:"T",secret:$s){%s}'
    ran = []
    for value in ("value-one", "value-one", "value-three"):
        with open_engine() as engine:
            engine.python(code, before, s=secret(engine, value))
            ran.append(engine.session.progress.ran)
    assert ran == [1, 0, 1]
