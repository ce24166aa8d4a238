"""Secrets in what a build prints."""

from ci.codebuild.mask import lines


def shown(*chunks: bytes, secrets: tuple[str, ...] = ("s3cret",)) -> str:
    return "".join(lines(chunks, secrets))


def test_a_secret_is_hidden_also_where_it_comes_in_two_pieces() -> None:
    assert shown(b"a s3c", b"ret b\nmore s3cret") == "a *** b\nmore ***"


def test_the_longest_secret_goes_first_and_each_line_of_one() -> None:
    assert shown(b"s3cret-long\nfirst\n", secrets=("s3cret", "s3cret-long", "first\nsecond")) == "***\n***\n"


def test_a_character_that_is_cut_in_two_is_whole_again() -> None:
    assert shown("ü\n".encode()[:1], "ü\n".encode()[1:]) == "ü\n"
