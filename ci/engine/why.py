"""Why a step ran: which of its inputs is another one than when the like of it ran last.

A step is like another where it stands at the same place: the functions that called it, the base image, its position
among the commands of its container, and its program. For each such place the store keeps the inputs of the last run by
name, as digests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ci.engine.nodes import digest_of
from ci.engine.store import Store
from ci.engine.trees import Tree

FILES_NAMED = 3  # of those that changed in one folder
UNKNOWN = ("nothing like it ran before",)
NOT_KEPT = ("its last result was not kept",)


@dataclass(frozen=True)
class Inputs:
    """The inputs of a step by name (`args`, `environment variable A`, `directory /src`), each as a digest; `trees` are
    those of them that are folders."""

    place: str
    named: Mapping[str, str]
    trees: Mapping[str, Tree] = field(default_factory=dict)


def explained(store: Store, inputs: Inputs) -> tuple[str, ...]:
    """What differs from the last run at the same place; keeps these inputs as the last ones."""
    before = store.get_record("inputs", inputs.place)
    for tree in inputs.trees.values():
        store.put_tree(tree)
    store.put_record("inputs", inputs.place, dict(inputs.named))
    if before is None:
        return UNKNOWN
    changed = [name for name in inputs.named if before.get(name) != inputs.named[name]]
    gone = [f"{name} (gone)" for name in before if name not in inputs.named]
    told = [phrase for name in changed for phrase in _phrases(store, inputs, name, before.get(name))]
    return (*told, *gone) or NOT_KEPT


def _phrases(store: Store, inputs: Inputs, name: str, before: str | None) -> list[str]:
    """An input that changed: the files that differ where it is a folder, else its name."""
    now = inputs.trees.get(name)
    if before is None:
        return [f"{name} (new)"]
    then = store.get_tree(before) if now is not None else None
    if now is None or then is None:
        return [name]
    kept = dict(then.by_path)
    differ = [entry.path for entry in now.entries if kept.pop(entry.path, None) != entry]
    paths = [path for path in (*differ, *kept) if now.get(path) is None or now.by_path[path].kind != "d"] or differ
    named = [f"file {path} of {name}" for path in sorted(paths)[:FILES_NAMED]]
    more = len(paths) - len(named)
    return [*named, f"{more} more of {name}"] if more > 0 else named


def place(*parts: object) -> str:
    """The digest of where a step stands."""
    return digest_of(list(parts))
