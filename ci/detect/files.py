"""The files of a repository that are looked at: its own, not those of an environment, a build or the tests."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

SKIPPED = {"node_modules", "venv", "env", "site-packages", "build", "dist", "__pycache__"}
TESTS = {"tests", "test"}
LARGEST_BYTES = 1_000_000  # a longer source file is generated


def python_files(root: Path) -> Iterator[Path]:
    """The paths of the Python files, relative to the root, in order; links to folders are not followed."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not skipped(name))
        yield from (Path(folder, name).relative_to(root) for name in sorted(files) if name.endswith(".py"))


def skipped(name: str) -> bool:
    """Whether a folder of this name holds nothing of the repository's own."""
    return name in SKIPPED or name.startswith(".")


def is_test(path: Path) -> bool:
    """Whether a file is one of the tests, by the names that pytest and unittest look for."""
    return bool(TESTS & set(path.parts[:-1])) or path.stem.startswith("test_") or path.stem.endswith("_test")


def parsed(path: Path) -> ast.Module | None:
    """The syntax tree of a file; None where it is not Python that this interpreter reads, or cannot be read."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return None
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def text(path: Path) -> str:
    """The text of a file; empty where there is none, or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def imported(tree: ast.Module) -> set[str]:
    """The first names of all absolute imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
