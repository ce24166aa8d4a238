"""Texts of the command line as values of a type, with the rules and the sentences of Dagger's command line."""

import json
import platform
import re
from collections.abc import Callable, Sequence
from typing import Any

from ci.cli.errors import FlagError

TRUE = ("1", "t", "T", "TRUE", "true", "True")
FALSE = ("0", "f", "F", "FALSE", "false", "False")
INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]*|0[bB][01_]+|[1-9][0-9_]*)")
FLOAT = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf(inity)?|nan)", re.IGNORECASE)
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
QUOTES = str.maketrans("", "", "\"'`")


def boolean(name: str, text: str) -> bool:
    """`true` or `false` as Go's ParseBool takes them.

    Raises:
        FlagError: it is neither.
    """
    if text not in TRUE + FALSE:
        raise _invalid(name, text, _syntax("ParseBool", text))
    return text in TRUE


def one(name: str, kind: str, text: str, choices: Sequence[str] = ()) -> Any:
    """The value of a text for the flag `name`, by the name of its GraphQL type; `choices` are an enum's members.

    Raises:
        FlagError: the text is no value of the type.
    """
    if choices:
        return _choice(name, text, choices)
    if kind == "Boolean":
        return boolean(name, text)
    convert = CONVERTERS.get(kind)
    return convert(name, text) if convert else text


def many(name: str, kind: str, texts: Sequence[str], choices: Sequence[str] = ()) -> list[Any]:
    """The values of a list's flag, given once or several times, each separated by commas.

    Raises:
        FlagError: one of them is no value of the type.
    """
    found: list[Any] = []
    for text in texts:
        try:
            found += [one(name, kind, part, choices) for part in separated(name, kind, text, bool(choices))]
        except FlagError as error:
            # The whole text is named, as pflag does, not the part.
            raise _invalid(name, text, str(error).partition(" flag: ")[2]) from error
    return found


def separated(name: str, kind: str, text: str, is_enum: bool = False) -> list[str]:
    """The parts of one text of a list's flag: comma-separated values with quotes, as Go's encoding/csv reads them.

    Raises:
        FlagError: a quote is not closed.
    """
    if kind in ("Int", "Float"):
        return text.split(",")
    if kind == "String":
        return _csv(name, text)
    bare = text.translate(QUOTES)
    return [part.strip() for part in (_csv(name, bare) if is_enum or kind else [bare])]


def _csv(name: str, text: str) -> list[str]:
    import csv

    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise _invalid(name, text, f"parse error: {error}") from error


def _integer(name: str, text: str) -> int:
    if not INTEGER.fullmatch(text):
        raise _invalid(name, text, _syntax("ParseInt", text))
    digits = text.replace("_", "")
    sign, digits = (digits[0], digits[1:]) if digits[0] in "+-" else ("", digits)
    octal = re.fullmatch("0[0-7]+", digits)
    return int(f"{sign}{digits}", 8 if octal else 0)


def _float(name: str, text: str) -> float:
    if not FLOAT.fullmatch(text):
        raise _invalid(name, text, _syntax("ParseFloat", text))
    return float(text)


def _json(name: str, text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise _invalid(name, text, f"not JSON: {error}") from error
    return text


def _platform(name: str, text: str) -> str:
    if not text:
        raise _invalid(name, text, "platform cannot be empty")
    machine = platform.machine()
    return f"linux/{ARCHITECTURES.get(machine, machine)}" if text == "current" else text


def _port_forward(name: str, text: str) -> dict[str, int]:
    frontend, colon, backend = text.partition(":")
    if not colon:
        raise _invalid(name, text, f'portForward setting not in the form of frontend:backend: "{text}"')
    for which, number in (("frontend", frontend), ("backend", backend)):
        if not number.isdigit():
            raise _invalid(name, text, f'portForward {which} not a valid integer: "{number}"')
    return {"frontend": int(frontend), "backend": int(backend)}


def _build_arg(name: str, text: str) -> dict[str, str]:
    key, equals, value = text.strip('"').partition("=")
    if not equals:
        raise _invalid(name, text, f"{text} must be formatted as name=value")
    if not key:
        raise _invalid(name, text, f"{text} cannot have an empty name")
    return {"name": key, "value": value}


CONVERTERS: dict[str, Callable[[str, str], Any]] = {
    "Int": _integer, "Float": _float, "JSON": _json, "Platform": _platform, "PortForward": _port_forward,
    "BuildArg": _build_arg,
}  # fmt: skip


def _choice(name: str, text: str, choices: Sequence[str]) -> str:
    for choice in choices:
        if choice.lower() == text.lower():
            return choice
    raise _invalid(name, text, f"value should be one of {','.join(sorted(choices))}")


def _syntax(function: str, text: str) -> str:
    return f'strconv.{function}: parsing "{text}": invalid syntax'


def _invalid(name: str, text: str, reason: str) -> FlagError:
    return FlagError(f'invalid argument "{text}" for "--{name}" flag: {reason}')
