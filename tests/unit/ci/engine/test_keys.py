"""Keys depend on content, and on nothing else."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema
from hypothesis import given, settings
from hypothesis import strategies as st

from ci.engine import schema
from ci.engine.api import Context
from ci.engine.docker_api import Docker
from ci.engine.errors import DockerUnavailableError
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import Session
from ci.engine.store import Store

CHAIN = """query($d:ID!,$args:[String!]!,$a:String!,$dir:String!){container{
  withDirectory(path:"/put",source:$d){withWorkdir(path:$dir){withEnvVariable(name:"A",value:$a){
  withMountedDirectory(path:"/mounted",source:$d){withExec(args:$args){withExec(args:["next"]){id}}}}}}}}"""
Files = Mapping[str, tuple[bytes, bool]]


@dataclass(frozen=True)
class Step:
    """A command, and the folder that it reads: contents, and whether one may run them, by path."""

    files: Files
    args: tuple[str, ...] = ("true",)
    variable: str = ""
    workdir: str = "/"


@dataclass(frozen=True)
class Place:
    """What surrounds a call and must not matter."""

    name: str
    modified: int = 0
    backwards: bool = False
    umask: int = 0o022
    owner: int | None = None  # only root can give files away
    environment: Mapping[str, str] = field(default_factory=dict)


folders = st.sampled_from(["", "src/", "src/lib/", "tests/"])
names = st.text("abcäß .-", min_size=1, max_size=6).map(lambda name: f"f{name}.x")
paths = st.tuples(folders, names).map("".join)
trees = st.dictionaries(paths, st.tuples(st.binary(max_size=16), st.booleans()), min_size=1, max_size=6)
words = st.text("ab $=\n'é", max_size=6)
steps = st.builds(Step, trees, st.lists(words, min_size=1, max_size=3).map(tuple), words, st.sampled_from(["/", "/w"]))


def no_docker(call_id: str) -> Docker:
    raise DockerUnavailableError("nobody home")


def written(root: Path, step: Step, place: Place) -> Path:
    """The step's folder at a place of the host, written in an order and with times of the place's own."""
    folder = root / place.name / "clone"
    for path in sorted(step.files, reverse=place.backwards):
        data, executable = step.files[path]
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod((0o777 if executable else 0o666) & ~place.umask)
        os.utime(target, (place.modified, place.modified))
        if place.owner is not None:
            os.chown(target, place.owner, place.owner)
    return folder


def key(core: GraphQLSchema, step: Step, place: Place) -> str:
    """The key of the step's command in a new store."""
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        folder = written(Path(scratch), step, place)
        for name, value in place.environment.items():
            patch.setenv(name, value)
        return folder_key(core, step, folder, Path(scratch) / "store")


def folder_key(core: GraphQLSchema, step: Step, folder: Path, store: Path) -> str:
    """The key of the step's command over a folder of the host, git's own files left out."""
    session = Session(Store(store), Progress(quiet=True), RecipeBook(), folder, no_docker)
    try:
        source = asked(core, session, '{host{directory(path:".",exclude:[".git"]){id}}}')
        variables = {"d": source, "args": list(step.args), "a": step.variable, "dir": step.workdir}
        node = session.nodes.get(asked(core, session, CHAIN, **variables))
        return session.evaluator.key(session.evaluator.container(node).rootfs)
    finally:
        session.close()


def asked(core: GraphQLSchema, session: Session, query: str, **variables: Any) -> str:
    """The id that a query asks for."""
    value = schema.answer(core, Context(session), query, variables)["data"]
    while isinstance(value, dict):
        (value,) = value.values()
    return str(value)


HERE = Place("here")
ELSEWHERE = Place(
    "else/where",
    1_700_000_000,
    backwards=True,
    umask=0o077,
    owner=4321 if os.geteuid() == 0 else None,
    environment={"HTTPS_PROXY": "http://proxy.test", "HOME": "/nowhere", "SSL_CERT_FILE": __file__, "TZ": "Asia/Tokyo"},
)


@settings(max_examples=40, deadline=None)
@given(step=steps)
def test_equal_content_has_one_key_wherever_whenever_and_whoever(core: GraphQLSchema, step: Step) -> None:
    assert key(core, step, HERE) == key(core, step, ELSEWHERE)


def git(folder: Path, *words: str) -> None:
    """Run git as somebody whose settings nobody else has."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    command = ["git", "-C", str(folder), *who, *words]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **settings}, timeout=60)


def test_a_clone_has_the_key_of_what_was_cloned(core: GraphQLSchema, tmp_path: Path) -> None:
    step = Step({"run.sh": (b"true\n", True), "src/a b.py": (b"one\n", False)})
    origin, clone = written(tmp_path, step, HERE), tmp_path / "clone"
    git(origin, "init", "-q")
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "first")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    one, other = (folder_key(core, step, folder, tmp_path / "store") for folder in (origin, clone))
    assert one == other


def changes(step: Step) -> list[Step]:
    """Steps that differ from `step` in one thing each."""
    path = min(step.files)
    data, executable = step.files[path]
    others = {name: row for name, row in step.files.items() if name != path}
    return [
        replace(step, files={**others, path: (data + b"!", executable)}),
        replace(step, files={**others, path: (data, not executable)}),
        replace(step, files={**others, path + ".y": (data, executable)}),
        replace(step, files={**step.files, "more.y": (b"", False)}),
        replace(step, args=(*step.args, "")),
        replace(step, args=("".join(step.args) + "!",)),
        replace(step, variable=step.variable + "!"),
        replace(step, workdir=step.workdir + "x"),
    ]


@settings(max_examples=15, deadline=None)
@given(step=steps)
def test_whatever_a_step_can_read_is_in_its_key(core: GraphQLSchema, step: Step) -> None:
    variants = [step, *changes(step)]
    assert len({key(core, variant, HERE) for variant in variants}) == len(variants)


def secret_key(core: GraphQLSchema, store: Store, name: str, value: str) -> str:
    """The key of a command that has a secret as a variable and as a file."""
    session = Session(store, Progress(quiet=True), RecipeBook(), store.root, no_docker)
    try:
        set_secret = "query($n:String!,$v:String!){setSecret(name:$n,plaintext:$v){id}}"
        secret = asked(core, session, set_secret, n=name, v=value)
        query = """query($s:ID!){container{withSecretVariable(name:"T",secret:$s){
          withMountedSecret(path:"/t",source:$s){withExec(args:["true"]){id}}}}}"""
        node = session.nodes.get(asked(core, session, query, s=secret))
        return session.evaluator.key(session.evaluator.container(node).rootfs)
    finally:
        session.close()


def test_a_secret_counts_by_its_value_under_the_stores_own_salt(core: GraphQLSchema, tmp_path: Path) -> None:
    store, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    first = secret_key(core, store, "a", "value")
    assert secret_key(core, store, "b", "value") == first
    assert secret_key(core, store, "a", "another") != first
    assert secret_key(core, other, "a", "value") != first
