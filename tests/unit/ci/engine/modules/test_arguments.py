"""What a function is called with: what is given less what is ignored, default paths within their context, defaults."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ci.engine.errors import ContextPathError, InvalidArgumentError
from ci.engine.modules.arguments import Arguments
from ci.engine.modules.config import ModuleConfig
from ci.engine.nodes import Node
from ci.engine.session import Session
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef

NOTHING = ModuleTypes("sample")


def ref(name: str) -> TypeRef:
    return TypeRef("OBJECT_KIND", name)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose module lies in `ci`, its Python project in `ci/dagger`."""
    root = tmp_path / "repository"
    for path in (".git/HEAD", "app/main.py", "app/x.log", "ci/dagger.json", "ci/LICENSE", "ci/dagger/main.py"):
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(path, encoding="utf-8")
    return root


@pytest.fixture
def arguments(session: Session, repository: Path) -> Arguments:
    return Arguments(session, ModuleConfig(repository / "ci", "sample", repository / "ci" / "dagger"), NOTHING)


def taken(session: Session, arguments: Arguments, arg: Argument, given: Any = None) -> Node:
    """The object that a function with this argument gets."""
    found = arguments.of(Function("call", TypeRef("VOID_KIND"), args=(arg,)), {arg.name: given})
    return session.nodes.get(found[arg.name])


def paths(session: Session, node: Node) -> list[str]:
    return [entry.path for entry in session.evaluator.tree(node).entries]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/app", ["main.py", "x.log"]),
        (".", ["LICENSE", "dagger", "dagger.json", "dagger/main.py"]),
        ("dagger", ["main.py"]),
        ("../app", ["main.py", "x.log"]),
        ("/ci/../app", ["main.py", "x.log"]),
    ],
)
def test_a_default_path_is_the_contexts_or_the_modules_own(
    session: Session, arguments: Arguments, path: str, found: list[str]
) -> None:
    node = taken(session, arguments, Argument("source", ref("Directory"), default_path=path))
    assert paths(session, node) == found


def test_a_default_file_is_that_file(session: Session, arguments: Arguments) -> None:
    node = taken(session, arguments, Argument("text", ref("File"), default_path="LICENSE"))
    assert (node.type, paths(session, node)) == ("File", ["LICENSE"])


def test_what_is_ignored_is_left_out_of_the_default_and_of_what_is_given(
    session: Session, arguments: Arguments
) -> None:
    arg = Argument("source", ref("Directory"), default_path="/app", ignore=("*.log",))
    assert paths(session, taken(session, arguments, arg)) == ["main.py"]
    made = Node("Directory", "directory")
    for name in ("a.py", "b.log"):
        made = Node("Directory", "withNewFile", made, {"path": name, "contents": "", "permissions": 0o644})
    assert paths(session, taken(session, arguments, arg, made)) == ["a.py"]


@pytest.mark.parametrize(
    ("kind", "path", "message"),
    [
        (
            "Directory", "../../../",
            r'load contextual directory "../../../": path ".*" is outside of context directory ".*/repository", '
            "path should be relative to the context directory$",
        ),
        ("File", "../../file.txt", r'file "../../file.txt": path ".*/file.txt" is outside of context directory'),
        ("Directory", "/../other", "is outside of context directory"),
        ("Directory", "/invalid", r'directory "/invalid": lstat .*/repository/invalid: no such file or directory$'),
        ("Directory", "/ci/LICENSE", r"lstat .*/ci/LICENSE: not a directory$"),
        ("File", "/invalid", r'file "/invalid": stat .*/repository/invalid: no such file or directory$'),
        ("File", "/app", r"stat .*/app: is a directory$"),
        ("GitRepository", "./app", r'only "/" and "/\.git" name a local repository'),
    ],
)  # fmt: skip
def test_a_default_path_that_stands_for_nothing_is_told(
    arguments: Arguments, kind: str, path: str, message: str
) -> None:
    for optional in (False, True):
        arg = Argument("some_arg", TypeRef("OBJECT_KIND", kind, optional), default="null", default_path=path)
        with pytest.raises(ContextPathError, match=message) as caught:
            arguments.of(Function("call", TypeRef("VOID_KIND"), args=(arg,)), {})
        assert str(caught.value).startswith('load contextual arg "someArg": load contextual ')


@pytest.mark.parametrize("path", ["/", ".", "./.git", "/.git"])
def test_a_default_git_repository_is_the_modules_own(
    session: Session, arguments: Arguments, repository: Path, path: str
) -> None:
    (repository / ".git" / "HEAD").unlink()
    for words in (["init", "-q", "-b", "main"], ["add", "app"], ["commit", "-q", "-m", "one"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *words], cwd=repository, check=True, capture_output=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    found = taken(session, arguments, Argument("ref", ref("GitRef"), default_path=path))
    assert session.remotes.ref(found)[1].commit == head.stdout.strip()
    owner = taken(session, arguments, Argument("git", ref("GitRepository"), default_path=path))
    assert owner == found.parent


def test_a_default_git_repository_may_be_a_remote_one(session: Session, arguments: Arguments) -> None:
    url = "https://example.com/o/r.git"
    found = taken(session, arguments, Argument("ref", ref("GitRef"), default_path=f"{url}#v1"))
    assert found.parent is not None
    assert (found.field, found.args["name"], found.parent.args["url"]) == ("ref", "v1", url)


DUCK, GOOSE = (TypeRef("INTERFACE_KIND", name) for name in ("PondDuck", "PondGoose"))
QUACK, HONK = (Function(name, TypeRef("STRING_KIND")) for name in ("quack", "honk"))
POND = ModuleTypes(
    "pond",
    "",
    (
        ObjectType("PondDuck", functions=(QUACK,), interface=True),
        ObjectType("PondGoose", functions=(QUACK, HONK), interface=True),
        ObjectType("PondMallard", functions=(QUACK,)),
        ObjectType("PondDecoy", fields=(("quack", TypeRef("STRING_KIND"), "", None),)),
    ),
)


def shown(session: Session, config: ModuleConfig, interface: TypeRef, kind: str) -> Node:
    """An instance of a type as a function gets it that asks for an interface."""
    given = session.nodes.add(Node(kind, "instance", None, {"state": {}}))
    function = Function("call", TypeRef("VOID_KIND"), args=(Argument("duck", interface),))
    return session.nodes.get(Arguments(session, config, POND).of(function, {"duck": given.id})["duck"])


@pytest.mark.parametrize("kind", ["PondMallard", "PondDecoy"])
def test_what_has_an_interfaces_functions_is_shown_as_one(session: Session, repository: Path, kind: str) -> None:
    node = shown(session, ModuleConfig(repository / "ci", "pond", repository / "ci"), DUCK, kind)
    assert (node.type, node.parent and node.parent.type) == ("PondDuck", kind)


@pytest.mark.parametrize(
    ("interface", "kind", "told"),
    [
        (GOOSE, "PondMallard", "^PondMallard does not implement PondGoose: it lacks honk$"),
        (GOOSE, "Directory", "^Directory does not implement PondGoose: it lacks quack, honk$"),
    ],
)
def test_what_lacks_one_is_not(session: Session, repository: Path, interface: TypeRef, kind: str, told: str) -> None:
    with pytest.raises(InvalidArgumentError, match=told):
        shown(session, ModuleConfig(repository / "ci", "pond", repository / "ci"), interface, kind)
