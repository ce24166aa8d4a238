"""A Dockerfile's text as a list of instructions.

Source: https://docs.docker.com/reference/dockerfile/ (format, parser directives, here-documents).
"""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ci.engine.dockerfile.errors import DockerfileError

NAMES = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
WITH_HEREDOCS = ("ADD", "COPY", "RUN")
DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(.*?)\s*$")
HEREDOC = re.compile(r"""(?<!\S|<)(?:\d+)?<<(-?)\s*(["']?)([A-Za-z_][\w.-]*)\2""")
FLAG = re.compile(r"--([a-z][a-z-]*)(?:=((?:\"[^\"]*\"|\S)*))?(?:\s+|$)")


@dataclass(frozen=True)
class Heredoc:
    """A here-document: its name, its text, and whether variables in it are replaced."""

    name: str
    text: str
    expand: bool


@dataclass(frozen=True)
class Instruction:
    """One instruction: the line it begins on (from 1), its name, flags, and the rest of it as it stands."""

    line: int
    name: str
    text: str
    flags: tuple[tuple[str, str], ...] = ()
    heredocs: tuple[Heredoc, ...] = ()

    def flag(self, name: str) -> str:
        """A flag's value, the last one where it is repeated; empty where it is not given."""
        return dict(self.flags).get(name, "")

    def flags_of(self, name: str) -> list[str]:
        """All values of a flag."""
        return [value for key, value in self.flags if key == name]

    def array(self) -> list[str] | None:
        """The exec form, `["a", "b"]`; None where it is the shell form."""
        if not self.text.lstrip().startswith("["):
            return None
        try:
            found = json.loads(self.text)
        except ValueError:
            return None
        return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None

    def error(self, message: str) -> DockerfileError:
        """What is wrong with it."""
        return DockerfileError(self.line, message)


@dataclass(frozen=True)
class Dockerfile:
    """The instructions, and the character that escapes and continues lines."""

    instructions: tuple[Instruction, ...]
    escape: str = "\\"


def parse(text: str) -> Dockerfile:
    """The instructions of a Dockerfile.

    Raises:
        DockerfileError: a line is none, or a here-document does not end.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    escape = _directives(lines).get("escape", "\\")
    return Dockerfile(tuple(_Lines(lines, escape).instructions()), escape)


def _directives(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        match = DIRECTIVE.match(line.strip())
        if not match or match[1].lower() in found:
            break
        found[match[1].lower()] = match[2]
    return found


class _Lines:
    def __init__(self, lines: list[str], escape: str) -> None:
        self._lines = lines
        self._escape = escape
        self._at = 0

    def instructions(self) -> Iterator[Instruction]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip() or line.lstrip().startswith("#"):
                self._at += 1
                continue
            start = self._at + 1
            yield self._instruction(start, self._joined().strip())

    def _joined(self) -> str:
        """The next line with those that continue it; comments and empty lines between are left out."""
        parts: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if parts and (not line.strip() or line.lstrip().startswith("#")):
                continue
            stripped = line.rstrip()
            if not stripped.endswith(self._escape):
                return "".join([*parts, line])
            parts.append(stripped[: -len(self._escape)])
        return "".join(parts)

    def _instruction(self, line: int, text: str) -> Instruction:
        word, _, rest = text.partition(" ") if " " in text.split("\t")[0] else text.partition("\t")
        name = word.upper()
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise DockerfileError(line, f"unknown instruction: {word}{hint}")
        rest = rest.strip()
        flags = []
        while name != "ONBUILD" and (match := FLAG.match(rest)):
            flags.append((match[1], (match[2] or "").replace('"', "") if match[2] is not None else "true"))
            rest = rest[match.end() :]
        if not rest:
            raise DockerfileError(line, f"{name} requires at least one argument")
        heredocs = tuple(self._heredocs(line, rest)) if name in WITH_HEREDOCS else ()
        return Instruction(line, name, rest, tuple(flags), heredocs)

    def _heredocs(self, line: int, text: str) -> Iterator[Heredoc]:
        for dash, quote, name in HEREDOC.findall(text):
            body: list[str] = []
            while True:
                if self._at >= len(self._lines):
                    raise DockerfileError(line, f"unterminated heredoc: {name}")
                row = self._lines[self._at].lstrip("\t") if dash else self._lines[self._at]
                self._at += 1
                if row == name:
                    break
                body.append(f"{row}\n")
            yield Heredoc(name, "".join(body), not quote)
