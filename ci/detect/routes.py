"""The paths that a service answers, as far as its syntax tells: decorators of Flask and its like, Django's `path`."""

import ast
from pathlib import Path

from ci.detect.applications import called
from ci.detect.files import is_test, parsed, python_files

HEALTH = ("/health", "/healthz", "/healthcheck", "/livez", "/ready", "/readyz", "/ping", "/status")
DECORATORS = {"route", "get"}
DJANGO = {"path"}
ROUTES = {"add_url_rule", "add_route"}


def routes(root: Path) -> set[str]:
    """The paths named in the repository's own files; a blueprint's prefix is not followed."""
    found: set[str] = set()
    for path in python_files(root):
        tree = None if is_test(path) else parsed(root / path)
        if tree is not None:
            found |= _of(tree, path.stem == "urls")
    return found


def health(paths: set[str]) -> str | None:
    """The path for the health check by its name, with Django's slash where it has one; None where there is none."""
    return next((path for name in HEALTH for path in (name, f"{name}/") if path in paths), None)


def _of(tree: ast.Module, urls: bool) -> set[str]:
    found = set()
    decorators = [part for node in ast.walk(tree) for part in getattr(node, "decorator_list", [])]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name, given = called(call), call.args[0] if call.args else None
        if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
            continue
        if (name in DECORATORS and call in decorators) or name in ROUTES:
            found.add(given.value)
        elif urls and name in DJANGO:
            found.add(f"/{given.value}")
    return found
