"""Completion of functions and flags in a shell."""

from ci.cli.completion import candidates
from ci.cli.types import Types


def words(types: Types, command: str, given: list[str], flags: bool = False) -> set[str]:
    return {word for word, _ in candidates(types, command, given, flags)}


def test_functions_of_what_the_chain_gives_can_stand_next(types: Types) -> None:
    assert {"hello", "base", "lint"} <= words(types, "call", [])
    assert {"with-exec", "stdout"} <= words(types, "call", ["-q", "base"])
    assert words(types, "call", ["hello"]) == set()


def test_flags_are_the_functions_and_the_commands(types: Types) -> None:
    found = words(types, "call", ["every-kind"], True)
    assert {"--dry-run", "--docker-config", "--progress", "--output"} <= found
    assert "--output" not in words(types, "check", [], True)


def test_of_a_check_only_checks_and_of_a_program_nothing(types: Types) -> None:
    assert words(types, "check", []) == {"lint", "unit-test"}
    assert words(types, "run", []) == set()
