"""The paths that a service answers, as far as its syntax tells: decorators of Flask and its like, Django's `path`."""

import ast
import re
from pathlib import Path

from ci.detect.applications import called
from ci.detect.files import is_test, parsed, python_files

HEALTH = ("/health", "/healthz", "/healthcheck", "/livez", "/ready", "/readyz", "/ping", "/status")
DECORATORS = {"route", "get"}
DJANGO = {"path"}
PARAMETER = re.compile(r"[<{(*:^\[]")
APART = ("/admin", "/static", "/login", "/logout")  # what asks for a login or has no page of its own
ROUTES = {"add_url_rule", "add_route"}


def routes(root: Path) -> set[str]:
    """The paths named in the repository's own files; a blueprint's prefix is not followed."""
    found: set[str] = set()
    for path in python_files(root):
        tree = None if is_test(path) else parsed(root / path)
        if tree is not None:
            found |= _of(tree, path.stem == "urls" and _is_top(root / path))
    return found


def _is_top(path: Path) -> bool:
    """Whether a urls.py is that of Django's project, beside its settings: those of its apps are below a prefix."""
    return (path.with_name("settings.py")).is_file() or (path.with_name("settings")).is_dir()


def likely(paths: set[str]) -> str | None:
    """A path to ask for where none is named as a health check: `/`, else the shortest that takes no parameter."""
    plain = [path for path in paths if path.startswith("/") and not PARAMETER.search(path)]
    return min((path for path in plain if not path.startswith(APART)), key=lambda path: (len(path), path), default=None)


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
        if _only_posted(call):
            continue
        if (name in DECORATORS and call in decorators) or name in ROUTES:
            found.add(given.value)
        elif urls and name in DJANGO:
            found.add(f"/{given.value}")
    return found


def _only_posted(call: ast.Call) -> bool:
    """Whether a route's `methods` leave GET out."""
    methods = next((word.value for word in call.keywords if word.arg in ("methods", "method")), None)
    return methods is not None and "get" not in ast.unparse(methods).lower()
