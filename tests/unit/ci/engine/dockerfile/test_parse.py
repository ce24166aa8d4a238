"""A Dockerfile's text becomes its instructions."""

import pytest

from ci.engine.dockerfile.errors import DockerfileError
from ci.engine.dockerfile.parse import Heredoc, parse


def rows(text: str) -> list[tuple[int, str, str]]:
    return [(row.line, row.name, row.text) for row in parse(text).instructions]


def test_lines_are_joined_and_comments_left_out() -> None:
    text = "# syntax=x\n\nfrom a AS b\n# no\nRUN one \\\n# within\n\n  && two \\  \n  && three\nCMD x\n"
    assert rows(text) == [(3, "FROM", "a AS b"), (5, "RUN", "one   && two   && three"), (10, "CMD", "x")]


def test_windows_line_ends_and_a_byte_order_mark_are_taken() -> None:
    assert rows("\ufeffFROM a\r\nRUN b \\\r\n c\r\n") == [(1, "FROM", "a"), (2, "RUN", "b  c")]


def test_the_escape_directive_changes_the_character() -> None:
    found = parse("# escape=`\nFROM a\nRUN dir C:\\ `\n x\n")
    assert (found.escape, found.instructions[1].text) == ("`", "dir C:\\  x")


def test_flags_stand_before_the_rest() -> None:
    (row,) = parse('COPY --from=a --chown="x y" --link --exclude=1 --exclude=2 b c\n').instructions
    assert row.flags == (("from", "a"), ("chown", "x y"), ("link", "true"), ("exclude", "1"), ("exclude", "2"))
    assert (row.text, row.flag("link"), row.flag("none"), row.flags_of("exclude")) == ("b c", "true", "", ["1", "2"])


def test_what_a_command_is_given_is_no_flag_of_the_instruction() -> None:
    (row,) = parse("RUN cmd --flag=1\n").instructions
    assert (row.flags, row.text) == ((), "cmd --flag=1")


def test_here_documents_end_at_their_names() -> None:
    run, copy, cmd = parse(
        "RUN <<EOF\necho a # kept\nEOF\nCOPY <<-'ONE' <<TWO /x/\n\t\tone $A\n\tONE\ntwo \\\nTWO\nCMD y <<EOF\n"
    ).instructions
    assert run.heredocs == (Heredoc("EOF", "echo a # kept\n", True),)
    assert copy.heredocs == (Heredoc("ONE", "one $A\n", False), Heredoc("TWO", "two \\\n", True))
    assert cmd.heredocs == ()


def test_a_here_string_of_the_shell_is_no_here_document() -> None:
    (row,) = parse("RUN cat <<<word\n").instructions
    assert row.heredocs == ()


@pytest.mark.parametrize(
    ("text", "array"),
    [('["a", "b"]', ["a", "b"]), ("[ -f x ] && y", None), ("a b", None), ('["a", 1]', None), ("[]", [])],
)
def test_the_exec_form_is_json(text: str, array: list[str] | None) -> None:
    assert parse(f"RUN {text}\n").instructions[0].array() == array


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM a\nRUNN b\n", "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)"),
        ("FROM a\n\n\nblah\n", "dockerfile parse error on line 4: unknown instruction: blah"),
        ("RUN\n", "dockerfile parse error on line 1: RUN requires at least one argument"),
        ("RUN <<EOF\nx\n", "dockerfile parse error on line 1: unterminated heredoc: EOF"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(text)
    assert str(caught.value) == message
