"""Help texts, in the form of Dagger's."""

from ci.cli import help as texts
from ci.cli import words
from ci.cli.types import Types


def shown(types: Types, *call: str) -> str:
    return texts.text(words.parse(types, [*call, "--help"]), types)


def test_the_root_lists_functions_and_options(types: Types) -> None:
    text = shown(types)
    assert text.startswith(
        "Call one or more functions, interconnected into a pipeline\n\n"
        "USAGE\n  cutover call [options] <function>\n\n"
        "FUNCTIONS\n  base          Base container.\n  every-kind    -\n  fail          -\n"
        "  hello         Return a greeting.\n"
    )
    assert "\n\nOPTIONS\n  -j, --json            Present result as JSON\n  -m, --mod string      Module" in text
    assert "\n\nINHERITED OPTIONS\n  -d, --debug                        Show full verbosity" in text
    assert text.endswith('\n\nUse "cutover call [command] --help" for more information about a command.\n')


def test_a_function_that_nothing_on_the_command_line_can_call_is_left_out(types: Types) -> None:
    """Dagger skips what needs an object of the module's own as an argument."""
    assert "odd" not in shown(types)


def test_a_function_lists_its_arguments_with_defaults(types: Types) -> None:
    assert shown(types, "hello") == (
        "Return a greeting.\n\nAt length.\n\nUSAGE\n  cutover call hello [arguments]\n\n"
        'ARGUMENTS\n      --name string   who to greet (default "world")\n'
    )


def test_each_kind_of_argument_has_its_name(types: Types) -> None:
    lines = [line.rstrip() for line in shown(types, "every-kind").splitlines()]
    assert "      --dry-run" in lines
    assert "      --tags strings" in lines
    assert "      --numbers ints" in lines
    assert "      --files []File" in lines
    assert "      --platform Platform" in lines
    assert '      --source Directory           the source (default path "/")' in lines
    assert "      --colour BLUE,GREEN          the paint (default BLUE)" in lines
    assert "      --ratio float                (default 1)" in lines


def test_required_arguments_come_first_and_are_marked(types: Types) -> None:
    text = shown(types, "with-token")
    assert "ARGUMENTS\n      --at string      [required]\n      --token Secret   [required]\n" in text


def test_descriptions_are_wrapped_to_the_width_of_a_terminal() -> None:
    rows = [texts.Row("lock", "string", "Lock lookup mode (disabled, live, pinned, frozen). Defaults to disabled now.")]
    assert texts.usages(rows) == (
        "      --lock string   Lock lookup mode (disabled, live, pinned, frozen).\n"
        "                      Defaults to disabled now."
    )


def test_a_core_type_lists_what_is_served_of_it(types: Types) -> None:
    text = shown(types, "base")
    assert text.startswith("Base container.\n\nUSAGE\n  cutover call base <function>\n\nFUNCTIONS\n")
    assert "  with-exec  " in text
    assert 'Use "cutover call base [command] --help" for more' in text


def test_a_function_of_a_core_type_has_its_defaults_from_the_schema(types: Types) -> None:
    text = shown(types, "base", "with-exec")
    assert "USAGE\n  cutover call base with-exec [arguments] <function>" in text
    assert "\n      --args strings " in text
    assert "(default SUCCESS)" in text


def test_the_table_of_functions(types: Types) -> None:
    lines = texts.functions_table(types.functions(types.root.result)).splitlines()
    assert lines[:3] == ["Name         Description", "base         Base container.", "every-kind   -"]
    assert texts.functions_table({}) == ""
