"""Policy documents as data (IAM user guide, "IAM JSON policy elements reference")."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

CACHED_DOCUMENTS = 4096
VARIABLE = re.compile(r"\$\{(?P<name>[^}]*)\}")
LITERALS = {"*": "*", "?": "?", "$": "$"}
Conditions = tuple[tuple[str, str, tuple[str, ...]], ...]  # operator, key, values


class PolicyMalformed(ValueError):
    """A document that is no policy; `str()` says where."""


@dataclass(frozen=True)
class Statement:
    """One statement. `principals` are those of a resource-based policy as (type, value); None where it has none."""

    allow: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] | None = None
    not_principals: tuple[tuple[str, str], ...] | None = None
    conditions: Conditions = ()
    sid: str = ""


Policy = tuple[Statement, ...]


def parse_policy(document: str | Mapping[str, Any]) -> Policy:
    """The statements of a document, which may be URL-encoded as IAM stores it; raises PolicyMalformed."""
    return _parsed(document) if isinstance(document, str) else _statements(document)


@lru_cache(CACHED_DOCUMENTS)
def _parsed(text: str) -> Policy:
    try:
        return _statements(json.loads(unquote(text) if text.lstrip().startswith("%") else text))
    except json.JSONDecodeError as error:
        raise PolicyMalformed(f"the policy is no JSON: {error}") from error


def _statements(document: Any) -> Policy:
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise PolicyMalformed("a policy is an object with a Statement")
    given = document["Statement"]
    return tuple(_statement(each) for each in ([given] if isinstance(given, Mapping) else given))


def _statement(given: Mapping[str, Any]) -> Statement:
    if given.get("Effect") not in ("Allow", "Deny"):
        raise PolicyMalformed(f"Effect is {given.get('Effect')!r}; it has to be Allow or Deny")
    return Statement(
        allow=given["Effect"] == "Allow",
        actions=_texts(given.get("Action")),
        not_actions=_texts(given.get("NotAction")),
        resources=_texts(given.get("Resource")),
        not_resources=_texts(given.get("NotResource")),
        principals=_principals(given.get("Principal")),
        not_principals=_principals(given.get("NotPrincipal")),
        conditions=tuple(
            (operator, key, _texts(values))
            for operator, keys in (given.get("Condition") or {}).items()
            for key, values in keys.items()
        ),
        sid=given.get("Sid", ""),
    )


def _principals(given: Any) -> tuple[tuple[str, str], ...] | None:
    if given is None:
        return None
    if isinstance(given, str):
        return (("AWS", given),)
    return tuple((kind, value) for kind, values in given.items() for value in _texts(values))


def _texts(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    items: Sequence[Any] = [given] if isinstance(given, str | bool | int | float) else given
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in items)


def substituted(text: str, context: Mapping[str, Sequence[str]]) -> str | None:
    """The text as a pattern with its variables replaced; None where one has no value.

    What a variable stands for is taken literally, whatever characters it has; `${*}`, `${?}` and `${$}` are those
    characters. Keys of `context` are in lower case.
    """
    parts, end = [], 0
    for match in VARIABLE.finditer(text):
        value = _value(match["name"], context)
        if value is None:
            return None
        parts += [text[end : match.start()], _literal(value)]
        end = match.end()
    return "".join([*parts, text[end:]])


def _value(name: str, context: Mapping[str, Sequence[str]]) -> str | None:
    if name in LITERALS:
        return LITERALS[name]
    key, comma, default = name.partition(",")
    values = context.get(key.strip().lower(), ())
    if len(values) == 1:
        return values[0]
    return default.strip().strip("'") if comma else None


def _literal(value: str) -> str:
    """With its wildcards marked, so that `matches` takes them as they are."""
    return value.replace("*", "\x01").replace("?", "\x02")


@lru_cache(CACHED_DOCUMENTS)
def _expression(pattern: str, flags: int) -> re.Pattern[str]:
    translated = "".join(
        {"*": ".*", "?": ".", "\x01": r"\*", "\x02": r"\?"}.get(char) or re.escape(char) for char in pattern
    )
    return re.compile(translated, flags | re.DOTALL)


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the text matches, with `*` and `?` as wildcards."""
    return _expression(pattern, re.IGNORECASE if ignore_case else 0).fullmatch(text) is not None


def unmarked(text: str) -> str:
    """A substituted text as plain text, for operators without wildcards."""
    return text.replace("\x01", "*").replace("\x02", "?")
