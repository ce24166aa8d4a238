"""Variables are replaced and quotes taken away as the Dockerfile reference says."""

import pytest

from ci.engine.dockerfile.errors import DockerfileError
from ci.engine.dockerfile.words import Words

WORDS = Words(7, {"A": "a", "EMPTY": "", "P": "x/y/x.tar.gz"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$A-${A}b$NONE", "a-ab"),
        (r"\$A ${A}", "$A a"),
        ("'$A' \"$A\"", "$A a"),
        (r'"a\"b" \x "\x"', r'a"b x \x'),
        ("${NONE:-d}${EMPTY:-d}${EMPTY-d}${A:-d}", "dda"),
        ("${A:+s}${EMPTY:+s}${EMPTY+s}${NONE+s}", "ss"),
        ("${NONE:-${A}1}", "a1"),
        ("${A:?no}", "a"),
        ("${P#*/}|${P##*/}|${P%.*}|${P%%.*}", "y/x.tar.gz|x.tar.gz|x/y/x.tar|x/y/x"),
        ("${P/x/z}|${P//x/z}|${P#none}", "z/y/x.tar.gz|z/y/z.tar.gz|x/y/x.tar.gz"),
        ("cost: 5$", "cost: 5$"),
        ("$ A", "$ A"),
    ],
)
def test_a_word_is_expanded(text: str, wanted: str) -> None:
    assert WORDS.one(text) == wanted


def test_words_are_split_outside_of_quotes() -> None:
    assert WORDS.each(r"""a "b c"  d\ e 'f $A' $A""") == ["a", "b c", "d e", "f $A", "a"]


def test_a_here_document_keeps_its_quotes() -> None:
    assert WORDS.raw("'$A' \"x\" \\$A \\n\n") == "'a' \"x\" $A \\n\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${A", "missing '}'"),
        ("'a", "looking for matching quote"),
        ('"a', "looking for matching double-quote"),
        ("${A!}", r"unsupported modifier in substitution \$\{A!\}"),
        ("${NONE:?not given}", "NONE: not given"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DockerfileError, match=f"line 7: .*{message}"):
        WORDS.one(text)
