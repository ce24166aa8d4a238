"""Secrets are not to be read in what a build prints: CodeBuild shows `***` in their place."""

import codecs
from collections.abc import Iterable, Iterator, Sequence

SHOWN = "***"


def lines(chunks: Iterable[bytes], secrets: Sequence[str]) -> Iterator[str]:
    """The output line by line, as far as it is whole, without secrets; the end of a line is kept."""
    ordered = sorted({part for secret in secrets for part in (secret, *secret.splitlines()) if part}, key=len)[::-1]
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + decode(chunk)).split("\n")
        yield from (_hidden(f"{line}\n", ordered) for line in whole)
    if rest:
        yield _hidden(rest, ordered)


def _hidden(line: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        line = line.replace(secret, SHOWN)
    return line
