""".gitignore files: which paths of a folder git would leave out.

Source: gitignore(5): patterns of a deeper folder win over those above it, and nothing is taken back inside of a folder
that is left out.
"""

import posixpath
from collections.abc import Callable, Iterable, Iterator

import pathspec

NAME = ".gitignore"
Lines = Callable[[str], Iterable[str]]


class Ignored:
    """Answers for one folder and all below it.

    Args:
        lines: gives the lines of the .gitignore in a folder (a path relative to the root, "" for the root itself),
            nothing where it has none.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._specs: dict[str, pathspec.GitIgnoreSpec] = {}
        self._folders: dict[str, bool] = {"": False}

    def __call__(self, path: str, is_directory: bool) -> bool:
        """Whether git leaves `path` out."""
        if not is_directory:
            return self._folder(posixpath.dirname(path)) or self._matched(path, path)
        return self._folder(path)

    def _folder(self, path: str) -> bool:
        if path not in self._folders:
            self._folders[path] = self._folder(posixpath.dirname(path)) or self._matched(path, path + "/")
        return self._folders[path]

    def _matched(self, path: str, text: str) -> bool:
        for folder in _above(path):
            verdict = self._spec(folder).check_file(text[len(folder) + 1 :] if folder else text).include
            if verdict is not None:
                return verdict
        return False

    def _spec(self, folder: str) -> pathspec.GitIgnoreSpec:
        if folder not in self._specs:
            self._specs[folder] = pathspec.GitIgnoreSpec.from_lines(self._lines(folder))
        return self._specs[folder]


def _above(path: str) -> Iterator[str]:
    """The folders that hold `path`, the nearest first."""
    while path:
        path = posixpath.dirname(path)
        yield path
