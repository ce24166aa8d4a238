"""Rules of composite alarms: ALARM("name"), OK(...), INSUFFICIENT_DATA(...), TRUE, FALSE, NOT, AND, OR, brackets.

Source: PutCompositeAlarm's AlarmRule. NOT binds closest, then AND, then OR. An alarm that does not exist is in the
state INSUFFICIENT_DATA.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.observe.alarms import INSUFFICIENT
from infra.local.observe.errors import CloudWatchError

TOKEN = re.compile(r"""\s*(?:(?P<mark>[()])|"(?P<quoted>[^"]+)"|'(?P<single>[^']+)'|(?P<word>[^\s()"']+))""")
STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
Read = Callable[[str], str | None]  # an alarm's state by its name or ARN
Test = Callable[[Read], bool]


class InvalidRule(CloudWatchError):
    """A rule that cannot be read."""

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(f"AlarmRule must be a valid rule expression: {problem} in '{rule}'")


@dataclass(frozen=True)
class Rule:
    """A rule that was read: `holds` for the states that `read` tells; `names` are the alarms in it."""

    holds: Test
    names: tuple[str, ...]


def parse_rule(text: str) -> Rule:
    """Read a rule; raises InvalidRule."""
    reader = _Reader(text)
    test = reader.either()
    if reader.peek():
        raise InvalidRule(text, f"unexpected '{reader.peek()}'")
    return Rule(test, tuple(dict.fromkeys(reader.names)))


class _Reader:
    """A reader of one rule, by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self.names: list[str] = []

    def peek(self) -> str:
        """The next token; nothing at the end."""
        return self._tokens[0] if self._tokens else ""

    def either(self) -> Test:
        """Tests joined by OR."""
        tests = [self._all()]
        while self._took("OR"):
            tests.append(self._all())
        return lambda read: any(test(read) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._took("AND"):
            tests.append(self._one())
        return lambda read: all(test(read) for test in tests)

    def _one(self) -> Test:
        if self._took("NOT"):
            inner = self._one()
            return lambda read: not inner(read)
        if self._took("("):
            inner = self.either()
            self._expect(")")
            return inner
        word = self._next()
        if word in ("TRUE", "FALSE"):
            return lambda read: word == "TRUE"
        if word not in STATES:
            raise InvalidRule(self._text, f"unexpected '{word}'" if word else "something is missing at the end")
        return self._state(word)

    def _state(self, state: str) -> Test:
        self._expect("(")
        name = self._next()
        self._expect(")")
        self.names.append(name)
        return lambda read: (read(name) or INSUFFICIENT) == state

    def _took(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self._next()
        return True

    def _expect(self, token: str) -> None:
        if not self._took(token):
            raise InvalidRule(self._text, f"'{token}' expected, not '{self.peek()}',")

    def _next(self) -> str:
        return self._tokens.pop(0) if self._tokens else ""


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise InvalidRule(text, f"unexpected '{text[at:].strip()[0]}'")
        found.append(next(part for part in match.groups() if part is not None))
        at = match.end()
    return found
