"""Secrets in streams: no form of one gets through, however the stream is cut."""

import base64
import itertools
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.engine.scrub import Patterns, Scrubber

SECRETS = ("p@ss/word+1", "abcdef", "abc", "line one\n  line two\nend", "ünï-cödé")
PEM = "-----BEGIN KEY-----\n" + "\n".join(base64.b64encode(bytes([n]) * 48).decode() for n in range(9)) + "\n"
encoders = st.sampled_from([
    lambda data: data,
    base64.b64encode,
    base64.urlsafe_b64encode,
    lambda data: urllib.parse.quote(data, safe="").encode(),
    lambda data: urllib.parse.quote_plus(data).encode(),
])  # fmt: skip


def scrubbed(data: bytes, cuts: "list[int]", values: "tuple[str, ...]" = SECRETS) -> bytes:
    patterns = Patterns(values)
    stream = Scrubber(lambda: patterns)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    parts = [stream.feed(data[start:end]) for start, end in itertools.pairwise(places)]
    return b"".join([*parts, stream.finish()])


pieces = st.one_of(
    st.binary(max_size=6), st.sampled_from([b"ab", b"abcde", b"line one", b"p@ss", b"***", b"\n", b"YWJj"]),
    st.sampled_from(SECRETS).map(str.encode),
)  # fmt: skip


@given(st.lists(pieces, max_size=12).map(b"".join), st.lists(st.integers(0, 500), max_size=12))
def test_a_stream_is_scrubbed_alike_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    assert scrubbed(data, cuts) == Patterns(SECRETS).replace(data)


@given(
    st.sampled_from([value for value in SECRETS if len(value) > 3]),
    st.binary(max_size=9),
    st.binary(max_size=9),
    encoders,
    st.lists(st.integers(0, 99)),
)
def test_no_encoding_of_a_text_with_a_secret_in_it_gives_the_secret_away(
    value: str, before: bytes, after: bytes, encode: Callable[[bytes], bytes], cuts: list[int]
) -> None:
    out = scrubbed(encode(before + value.encode() + after), cuts)
    for line in (*value.splitlines(), value):
        assert line.strip().encode() not in out.replace(b"***", b"\0")
    assert b"***" in out


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_base64_is_found_at_each_of_its_three_places(shift: int) -> None:
    secret = "correct horse battery staple"
    encoded = base64.b64encode(b"x" * shift + secret.encode() + b"yz")
    assert len(Patterns((secret,)).replace(encoded).replace(b"***", b"")) <= 8


@pytest.mark.parametrize("width", [64, 76])
def test_base64_that_is_broken_into_lines_is_found(width: int) -> None:
    encoded = base64.b64encode(PEM.encode())
    wrapped = b"\n".join(encoded[at : at + width] for at in range(0, len(encoded), width))
    assert set(Patterns((PEM,)).replace(wrapped)) <= set(b"*\n")


def test_every_line_of_a_secret_of_several_is_scrubbed() -> None:
    out = Patterns((PEM,)).replace(b"> " + PEM.encode().replace(b"\n", b"\n> "))
    assert set(out.decode()) <= set("*> \n")


def test_what_cannot_be_the_start_of_a_secret_is_passed_on_at_once() -> None:
    patterns = Patterns(("token-1234",))
    stream = Scrubber(lambda: patterns)
    assert stream.feed(b"hello\n") == b"hello\n"
    assert stream.feed(b"the tok") == b"the "
    assert stream.feed(b"en-1234 !\n") == b"*** !\n"
    assert stream.finish() == b""


def test_a_secret_that_becomes_known_on_the_way_is_scrubbed_from_then_on() -> None:
    known: list[str] = []
    stream = Scrubber(lambda: Patterns(known))
    assert stream.feed(b"hush") == b"hush"
    known.append("hush")
    assert stream.feed(b"hush!") == b"***!"


def test_ordinary_text_stays() -> None:
    assert Patterns(("", "ab")).replace(b"about tabs") == b"about tabs"
