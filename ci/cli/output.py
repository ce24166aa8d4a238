"""What a call's result is asked for and printed as, by its type: as Dagger's command line does."""

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.cli.types import Types
    from ci.cli.words import Link
    from ci.engine.typedefs import Function

PLAIN_BELOW = 1e21  # floats from here on are printed with an exponent, as Go's %v does
LOADED = ("Container", "Directory", "File")
INDENT = 4


def leaf(types: "Types", link: "Link", output: str | None) -> tuple[str, bool]:
    """What is asked of the last function's result, and whether it is saved by that.

    An object is exported where `output` names a place and it can be, else evaluated, else only named.
    """
    found = types.object(link.result)
    if found is None:
        return "", False
    known: dict[str, Function] = {function.name: function for function in found.functions}
    export = known.get("export")
    if output and export and any(arg.name == "path" for arg in export.args) and link.result.element is None:
        above = ", allowParentDirPath: true" if any(a.name == "allowParentDirPath" for a in export.args) else ""
        return f"export(path: {json.dumps(output)}{above})", True
    return ("id: sync" if found.name in LOADED else "id"), False


def text(result: Any, link: "Link", is_object: bool, as_json: bool) -> str:
    """A result as it is printed: a text as it is, a list one item a line, an object by its type and digest."""
    if link.result.kind == "VOID_KIND":
        return ""
    if is_object:
        return _identities(result)
    if as_json:
        return json.dumps(result, indent=INDENT, ensure_ascii=False) + "\n"
    if link.result.name == "ID" and isinstance(result, str):
        return _identity(result)
    return plain(result)


def _identities(result: Any) -> str:
    if isinstance(result, list):
        return "".join(f"- {_identities(item)}" for item in result)
    identity = result.get("id") if isinstance(result, Mapping) else result
    return _identity(identity) if identity else plain(None)


def _identity(text: str) -> str:
    try:
        kind, _, digest = base64.b64decode(text, validate=True).decode().partition("@")
    except ValueError:
        return text
    return f"{kind}@sha256:{digest}\n"


def plain(result: Any) -> str:
    """A value as Go's `%v` prints it, a list one item a line."""
    if isinstance(result, list):
        return "".join(f"{plain(item)}\n" for item in result)
    if isinstance(result, Mapping):
        return "".join(plain(item) for item in result.values())
    if result is None:
        return "<nil>"
    if isinstance(result, bool):
        return str(result).lower()
    if isinstance(result, float):
        return str(int(result)) if result.is_integer() and abs(result) < PLAIN_BELOW else repr(result)
    return str(result)


def saved(text: str, output: str) -> str:
    """Save a printed result to a file, the folders above it made; gives its absolute path.

    Raises:
        CutoverError: it cannot be written.
    """
    place = Path(output)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CutoverError(f"couldn't write output to file: {output}: {error.strerror}") from error
    return str(place.absolute())


def show(text: str) -> None:
    """Print a result on stdout; on a terminal it ends a line."""
    sys.stdout.write(text)
    if sys.stdout.isatty() and text and not text.endswith("\n"):
        sys.stdout.write("\n")
    sys.stdout.flush()


def value(data: Any, links: "Sequence[Link]") -> Any:
    """The result in a response's data: what lies under the names of the chain's functions."""
    for link in links:
        if link.name and isinstance(data, Mapping):
            data = data[link.name]
    return data
