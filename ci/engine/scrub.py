"""Finds secrets in what containers print, in every form in which they are likely to be printed, also across writes."""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable
from functools import cached_property

SCRUBBED = b"***"
SHORTEST = 3  # bytes: a shorter value would blank out ordinary text
SHORTEST_ENCODED = 4  # bytes of a piece of base64, which names its secret less surely
BASE64_LINES = (64, 76)  # columns at which PEM and MIME break base64


def forms(value: str) -> set[bytes]:
    """What a secret's value may look like: itself, its lines, their base64 and URL-encoded forms, and as JSON."""
    found: set[bytes] = set()
    for text in {value, value.strip(), *value.splitlines(), *(line.strip() for line in value.splitlines())}:
        data = text.encode("utf-8", "surrogatepass")
        if len(data) >= SHORTEST:
            found |= {data, json.dumps(text)[1:-1].encode(), *_urls(data), *_base64(data)}
    return found


def _urls(data: bytes) -> set[bytes]:
    quoted = {urllib.parse.quote(data, safe=safe) for safe in ("", "/")} | {urllib.parse.quote_plus(data)}
    lower = {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in quoted}
    return {text.encode() for text in quoted | lower}


def _base64(data: bytes) -> set[bytes]:
    """The base64 of `data`, and what is certain of it inside of that of a longer text: one piece for each of the three
    places at which it can begin."""
    whole = base64.b64encode(data)
    pieces = {whole, *(_certain(data, shift) for shift in range(3))}
    pieces |= {whole[at : at + width] for width in BASE64_LINES for at in range(0, len(whole), width)}
    pieces = {piece for piece in pieces if len(piece) >= SHORTEST_ENCODED}
    return pieces | {piece.translate(bytes.maketrans(b"+/", b"-_")) for piece in pieces}


def _certain(data: bytes, shift: int) -> bytes:
    """The characters that `data` alone decides where `shift` bytes precede it in their group of three."""
    encoded = base64.b64encode(bytes(shift) + data)
    return encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]


class Patterns:
    """The forms of some secrets, ready to be looked for."""

    def __init__(self, values: Iterable[str]) -> None:
        found = {form for value in values for form in forms(value)}
        self.forms = sorted(found, key=lambda form: (-len(form), form))

    @cached_property
    def _any(self) -> re.Pattern[bytes]:
        return re.compile(b"|".join(map(re.escape, self.forms)))

    @cached_property
    def _starts(self) -> re.Pattern[bytes]:
        starts = {form[:SHORTEST] for form in self.forms}
        return re.compile(b"(?=" + b"|".join(map(re.escape, sorted(starts))) + b")")

    def replace(self, data: bytes) -> bytes:
        """`data` with every form replaced, the longest first."""
        return self.split(data, whole=True)[0]

    def split(self, data: bytes, whole: bool = False) -> tuple[bytes, bytes]:
        """`data` scrubbed, as far as no more of it can change that, and the rest that is still to be decided (nothing
        where `data` is the `whole`)."""
        done, at = [], 0
        hold = len(data) if whole else self._undecided(data, 0)
        # Each form is looked for by itself first: that is many times faster where there is none.
        if any(form in data for form in self.forms):
            while (found := self._any.search(data, at)) and found.start() < hold:
                done += [data[at : found.start()], SCRUBBED]
                at = found.end()
                hold = hold if at <= hold else self._undecided(data, at)
        return b"".join([*done, data[at:hold]]), data[max(at, hold) :]

    def _undecided(self, data: bytes, at: int) -> int:
        """Where the first form begins that may go on after the end of `data`; its length where there is none."""
        longest = len(self.forms[0]) if self.forms else 0
        first = max(at, len(data) - longest + 1)
        starts = [found.start() for found in self._starts.finditer(data, first)]
        starts += range(max(first, len(data) - SHORTEST + 1), len(data))
        return next((start for start in starts if self._goes_on(data[start:])), len(data))

    def _goes_on(self, rest: bytes) -> bool:
        return any(len(form) > len(rest) and form.startswith(rest) for form in self.forms)


class Scrubber:
    """Scrubs a stream that comes in pieces: what it gives joined is the whole stream scrubbed, however it was cut.

    Args:
        patterns: gives the secrets known by now.
    """

    def __init__(self, patterns: Callable[[], Patterns]) -> None:
        self._patterns = patterns
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """As much of the stream, scrubbed, as is certain now."""
        patterns = self._patterns()
        if not patterns.forms:
            return data
        done, self._rest = patterns.split(self._rest + data)
        return done

    def finish(self) -> bytes:
        """The rest."""
        rest, self._rest = self._rest, b""
        return self._patterns().replace(rest)
