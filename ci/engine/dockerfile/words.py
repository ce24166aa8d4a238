"""Words of a Dockerfile: variables replaced, quotes taken away.

Source: https://docs.docker.com/reference/dockerfile/#environment-replacement.
"""

import re
from collections.abc import Iterator, Mapping

from ci.engine import globs
from ci.engine.dockerfile.errors import DockerfileError

NAME = re.compile(r"[A-Za-z_]\w*|\d|[@*#]")
BRACED = re.compile(r"([A-Za-z_]\w*)(:[-+?]|[-+?]|##?|%%?|//?)?(.*)", re.DOTALL)


class Words:
    """Replaces variables as a Dockerfile does.

    Args:
        line: the instruction's line, for errors.
        variables: their values; a name that is not there is empty.
        escape: the character that takes the next one as it is.
    """

    def __init__(self, line: int, variables: Mapping[str, str], escape: str = "\\") -> None:
        self._line = line
        self._variables = variables
        self._escape = escape

    def one(self, text: str) -> str:
        """The text as one word."""
        return "".join(self._expanded(text, quotes=True))

    def raw(self, text: str) -> str:
        """The text with its quotes as they are, as in a here-document."""
        return "".join(self._expanded(text, quotes=False))

    def each(self, text: str) -> list[str]:
        """The words of the text, split at spaces outside of quotes."""
        return [self.one(part) for part in self.split(text)]

    def split(self, text: str) -> list[str]:
        """The words of the text as they stand."""
        words, word, quote, at = [], "", "", 0
        while at < len(text):
            char = text[at]
            if char == self._escape and quote != "'" and at + 1 < len(text):
                word += text[at : at + 2]
                at += 2
                continue
            if char in "\"'" and quote in ("", char):
                quote = "" if quote else char
            if char.isspace() and not quote:
                words.append(word)
                word = ""
            else:
                word += char
            at += 1
        return [word for word in [*words, word] if word]

    def _expanded(self, text: str, quotes: bool) -> Iterator[str]:
        at, quote = 0, ""
        while at < len(text):
            char = text[at]
            if quotes and char == "'" and quote != '"':
                end = text.find("'", at + 1)
                if end < 0:
                    raise DockerfileError(self._line, "unexpected end of statement while looking for matching quote")
                yield text[at + 1 : end]
                at = end + 1
            elif quotes and char == '"':
                quote = "" if quote else '"'
                at += 1
            elif char == self._escape and at + 1 < len(text):
                yield self._escaped(text[at + 1], quote, quotes)
                at += 2
            elif char == "$":
                value, at = self._variable(text, at + 1)
                yield value
            else:
                yield char
                at += 1
        if quote:
            raise DockerfileError(self._line, "unexpected end of statement while looking for matching double-quote")

    def _escaped(self, char: str, quote: str, quotes: bool) -> str:
        """What an escape character and the one after it stand for: inside of double quotes few can be escaped."""
        if (quote and char not in f'"${self._escape}') or (not quotes and char not in f"${self._escape}"):
            return self._escape + char
        return char

    def _variable(self, text: str, at: int) -> tuple[str, int]:
        """The value of the variable named at `at`, and where the text goes on."""
        if text[at : at + 1] == "{":
            end = _closing(text, at)
            if end < 0:
                raise DockerfileError(self._line, "syntax error: missing '}'")
            return self._braced(text[at + 1 : end]), end + 1
        match = NAME.match(text, at)
        if match is None:
            return "$", at
        return self._variables.get(match[0], ""), match.end()

    def _braced(self, text: str) -> str:
        match = BRACED.fullmatch(text)
        if match is None or (match[3] and not match[2]):
            raise DockerfileError(self._line, f"unsupported modifier in substitution ${{{text}}}")
        name, modifier, word = match[1], match[2] or "", self.raw(match[3])
        value = self._variables.get(name)
        if modifier in ("#", "##", "%", "%%", "/", "//"):
            return _replaced(value or "", modifier, word)
        missing = value is None or (modifier.startswith(":") and not value)
        kind = modifier[-1:]
        if kind == "?" and missing:
            raise DockerfileError(self._line, f"{name}: {word or 'not allowed to be unset'}")
        if kind == "+":
            return "" if missing else word
        return word if kind == "-" and missing else value or ""


def _closing(text: str, at: int) -> int:
    depth = 0
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return -1


def _replaced(value: str, modifier: str, word: str) -> str:
    """`${NAME#pattern}`, `%` and `/pattern/replacement`; doubled takes the longest match, or all of them."""
    if modifier.startswith("/"):
        pattern, _, replacement = word.partition("/")
        return _shell_pattern(pattern).sub(lambda _: replacement, value, count=0 if modifier == "//" else 1)
    ends = range(len(value) + 1)
    sides = (
        [(value[:end], value[end:]) for end in ends]
        if modifier[0] == "#"
        else [(value[end:], value[:end]) for end in reversed(ends)]
    )
    found = [rest for taken, rest in sides if _shell_pattern(word).fullmatch(taken)]
    if not found:
        return value
    return found[-1] if len(modifier) == 2 else found[0]


def _shell_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def wildcard(path: str) -> re.Pattern[str] | None:
    """The pattern that a source of COPY is, None where it is a plain path."""
    return globs.compiled(path) if set(path) & set("*?[") else None
