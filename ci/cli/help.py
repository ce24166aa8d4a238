"""Help texts of the module's functions, in the form of Dagger's."""

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.cli import options as opts
from ci.cli.names import kebab
from ci.cli.options import Option
from ci.cli.output import plain
from ci.cli.types import first_lines

if TYPE_CHECKING:
    from ci.cli.types import Types
    from ci.cli.words import Chain
    from ci.engine.typedefs import Argument, Function

NARROW = 80  # where the terminal's width is not known
LEAST = 24  # a description narrower than this begins on a line of its own
BLOCK = 16  # and is indented by this much
SLOP = 5
NAME_PADDING = 11
GAP = 3
NAMES = {"STRING_KIND": "string", "INTEGER_KIND": "int", "FLOAT_KIND": "float", "BOOLEAN_KIND": "bool"}
ZERO = ("null", '""', "0", "0.0", "false", "[]")


@dataclass(frozen=True)
class Row:
    """One flag: its letter, its name, what stands for its value, and what is said of it."""

    name: str
    kind: str = ""
    usage: str = ""
    short: str = ""

    @property
    def head(self) -> str:
        """What stands left of the description."""
        letter = f"  -{self.short}, --" if self.short else "      --"
        return f"{letter}{self.name}{f' {self.kind}' if self.kind else ''}"


def functions_table(functions: "dict[str, Function]") -> str:
    """The functions, one a line; nothing where there are none."""
    rows = [("Name", "Description"), *first_lines(functions)]
    width = max(len(name) for name, _ in rows) + GAP
    return "".join(f"{name:<{width}}{text}\n" for name, text in rows) if functions else ""


def text(chain: "Chain", types: "Types") -> str:
    """The help of the last function of a chain: what it does, its arguments, what can be called on its result."""
    is_root = len(chain.links) == 1
    function = chain.links[-1].function
    title = "Call one or more functions, interconnected into a pipeline" if is_root else function.description.strip()
    called = types.functions(function.result)
    usage = f"{chain.command()}{' [options]' if is_root else ''}{' [arguments]' if function.args else ''}"
    parts = [title or "-", f"USAGE\n  {usage}{' <function>' if called else ''}"]
    if called:
        parts.append(f"FUNCTIONS\n{_commands(called)}")
    if function.args:
        parts.append(f"ARGUMENTS\n{usages(_arguments(function, types))}")
    if is_root:
        parts += [f"OPTIONS\n{usages(_options(opts.CALL))}", f"INHERITED OPTIONS\n{usages(_options(opts.ENGINE))}"]
    if called:
        parts.append(f'Use "{chain.command()} [command] --help" for more information about a command.')
    return "\n\n".join(parts) + "\n"


def command(usage: str, title: str, table: Sequence[Option]) -> str:
    """The help of a command that takes none of the module's flags."""
    inherited = [option for option in table if option not in opts.ENGINE]
    parts = [title, f"USAGE\n  {usage}"]
    if inherited:
        parts.append(f"OPTIONS\n{usages(_options(inherited))}")
    return "\n\n".join([*parts, f"INHERITED OPTIONS\n{usages(_options(opts.ENGINE))}"]) + "\n"


def _commands(functions: "dict[str, Function]") -> str:
    width = max(NAME_PADDING, *(len(name) for name in functions))
    return "\n".join(f"  {name:<{width}}{' ' * GAP}{text}" for name, text in sorted(first_lines(functions)))


def _options(table: Sequence[Option]) -> list[Row]:
    return [Row(option.name, option.kind, option.usage, option.short) for option in table]


def _arguments(function: "Function", types: "Types") -> list[Row]:
    """The flags of a function, the required ones first."""
    given = [arg for arg in function.args if types.given(arg)]
    ordered = sorted(given, key=lambda arg: (not arg.required, kebab(arg.name)))
    return [Row(kebab(arg.name), _kind(arg, types), _usage(arg, types)) for arg in ordered]


def _kind(arg: "Argument", types: "Types") -> str:
    inner = arg.type.innermost
    name = ",".join(sorted(types.choices(arg.type))) or NAMES.get(inner.kind) or inner.name
    if arg.type.element is None:
        return "" if name == "bool" else "string" if inner.kind == "SCALAR_KIND" and name != "Platform" else name
    return f"{name}s" if inner.kind in NAMES else f"[]{name}"


def _usage(arg: "Argument", types: "Types") -> str:
    notes = [arg.description.strip()]
    if arg.default_path:
        notes.append(f"(default path {json.dumps(arg.default_path)})")
    elif arg.default is not None and arg.default not in ZERO:
        notes.append(f"(default {_default(arg, types)})")
    if arg.required:
        notes.append("[required]")
    return " ".join(note for note in notes if note)


def _default(arg: "Argument", types: "Types") -> str:
    value = json.loads(arg.default or "null")
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return plain(value) if types.choices(arg.type) or not isinstance(value, str) else json.dumps(value)


def usages(rows: Sequence[Row]) -> str:
    """The flags with their descriptions, wrapped to the terminal's width: pflag's FlagUsagesWrapped."""
    indent = max(len(row.head) for row in rows) + GAP
    columns = (shutil.get_terminal_size((NARROW, 0)).columns if sys.stdout.isatty() else NARROW) - 1
    lines = []
    for row in rows:
        described = _wrapped(row.usage, indent, columns)
        lines.append(f"{row.head:<{indent}}{described}".rstrip())
    return "\n".join(lines)


def _wrapped(usage: str, indent: int, columns: int) -> str:
    first = ""
    if columns - indent < LEAST:
        indent, first = BLOCK, "\n" + " " * BLOCK
    width = max(columns - indent - SLOP, LEAST)
    lines = [part for line in usage.splitlines() for part in textwrap.wrap(line, width) or [""]]
    return first + ("\n" + " " * indent).join(lines) if lines else ""
