"""WSGI applications (PEP 3333) in Python files, found in their syntax: nothing of a repository is imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ci.detect.files import imported, is_test, parsed, python_files

# What makes an application, by the last part of the name that is called.
MAKERS = {
    "APIFlask": "Flask",
    "Bottle": "Bottle",
    "Flask": "Flask",
    "default_app": "Bottle",
    "get_wsgi_application": "Django",
    "make_wsgi_app": "Pyramid",
}
FACTORIES = ("create_app", "make_app", "create_application", "make_application", "build_app", "get_app")
OBJECTS = ("app", "application", "wsgi")
MODULES = ("wsgi", "app", "main", "application")
SIGNATURE = ["environ", "start_response"]
Function = ast.FunctionDef


@dataclass(frozen=True)
class Application:
    """An application: `wsgi` as gunicorn takes it, importable from `folder`; `rank` is low for a likely one."""

    wsgi: str
    folder: str
    file: str
    kind: str
    rank: tuple[int, ...]


def applications(root: Path) -> list[Application]:
    """The applications of a repository, the likeliest first."""
    found: list[Application] = []
    for path in python_files(root):
        tree = None if is_test(path) else parsed(root / path)
        if tree is not None:
            found += _in_file(root, path, tree)
    return sorted(found, key=lambda row: (row.rank, row.file, row.wsgi))


def _in_file(root: Path, path: Path, tree: ast.Module) -> Iterator[Application]:
    folder, module = _module(root, path, tree)
    depth, known = len(path.parts), _place(module.rpartition(".")[2], MODULES)
    if not all(part.isidentifier() for part in module.split(".")):
        return
    for name, kind, order in _named(tree):
        rank = (order, depth, known, _place(name.removesuffix("()"), OBJECTS))
        yield Application(f"{module}:{name}", folder, path.as_posix(), kind, rank)


def _place(name: str, names: tuple[str, ...]) -> int:
    return names.index(name) if name in names else len(names)


def _named(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Each application of a file: its name, its kind, and 0 for an object, 1 for a factory."""
    for node in _top(tree.body):
        if isinstance(node, Function):
            yield from _function(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            kind = _made(node.value)
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, kind, 0) for target in targets if kind and isinstance(target, ast.Name))


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that an import runs, also those under `try` and `with`."""
    for node in body:
        yield node
        if isinstance(node, ast.Try | ast.With):
            yield from _top(node.body)


def _function(node: Function) -> Iterator[tuple[str, str, int]]:
    """A function that is an application, or that makes one without being given anything."""
    arguments = [argument.arg for argument in node.args.args]
    if arguments == SIGNATURE:
        yield node.name, "WSGI", 0
        return
    needed = len(arguments) > len(node.args.defaults) or None in node.args.kw_defaults
    made = next((kind for call in ast.walk(node) if isinstance(call, ast.Call) and (kind := _made(call))), "")
    returns = any(isinstance(part, ast.Return) and part.value is not None for part in ast.walk(node))
    if returns and not needed and not node.decorator_list and made:
        yield f"{node.name}()", made, 1


def _made(call: ast.Call) -> str:
    """The kind of application that a call makes; empty where it makes none."""
    name = called(call)
    if name in FACTORIES:
        return "an application factory"
    return "Falcon" if ast.unparse(call.func) == "falcon.App" else MAKERS.get(name, "")


def called(call: ast.Call) -> str:
    """The last part of the name that is called; empty where what is called has no name."""
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def _module(root: Path, path: Path, tree: ast.Module) -> tuple[str, str]:
    """The folder to import from, empty for the root, and the module's dotted name.

    That folder is the first above without `__init__.py` which the file does not itself name in an import.
    """
    folder = path.parent
    named = imported(tree)
    while folder.parts and ((root / folder / "__init__.py").is_file() or folder.name in named):
        folder = folder.parent
    names = path.relative_to(folder).with_suffix("").parts
    module = ".".join(names[:-1] if names[-1] == "__init__" else names)
    return ("" if folder == Path() else folder.as_posix()), module or path.stem
