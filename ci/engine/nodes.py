"""Objects of the API as immutable recipes: an operation, its arguments and the object it was called on.

An object's `id` names its recipe's digest, so equal recipes have equal ids and an id can be handed from one call to the
next. Nothing runs when a recipe is made; a leaf field (`stdout`, `sync`, `entries`, ...) evaluates it.
"""

import base64
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ci.engine.errors import InvalidIdError

REF = "$node"


def digest_of(value: object) -> str:
    """The SHA-256 (hex) of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Node:
    """One recipe: `parent.field(**args)` gives an object of `type`. Argument values are JSON values or other
    recipes."""

    type: str
    field: str
    parent: "Node | None" = None
    args: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    digest: str = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        parent = self.parent.digest if self.parent else None
        object.__setattr__(self, "digest", digest_of([self.type, self.field, parent, _packed(self.args)]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def id(self) -> str:
        """The opaque id of this object in the API."""
        return base64.b64encode(f"{self.type}@{self.digest}".encode()).decode()

    def chain(self) -> list["Node"]:
        """This recipe and those it was called on, the first one first."""
        nodes: list[Node] = []
        node: Node | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]

    def references(self) -> Iterator["Node"]:
        """The recipes that this one is directly made of."""
        if self.parent is not None:
            yield self.parent
        yield from _nodes_in(self.args)


def snapshot(tree: str, kind: str = "Directory") -> Node:
    """A tree of the store, by its digest, as an object."""
    return Node(kind, "snapshot", None, {"tree": tree})


def _nodes_in(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _nodes_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _nodes_in(item)


def _packed(value: Any) -> Any:
    """A JSON value in which each recipe is replaced by its digest."""
    if isinstance(value, Node):
        return {REF: value.digest}
    if isinstance(value, Mapping):
        return {key: _packed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(item) for item in value]
    return value


class NodeTable:
    """The recipes that a session has handed out, by digest."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}

    def add(self, node: Node) -> Node:
        """Remember `node` so that its id can be used as an argument; gives the node back."""
        return self._nodes.setdefault(node.digest, node)

    def get(self, text: str, expected: str | None = None) -> Node:
        """The recipe behind an id.

        Raises:
            InvalidIdError: the text is no id of this session, or of another type than `expected`.
        """
        try:
            kind, _, digest = base64.b64decode(text, validate=True).decode().partition("@")
        except ValueError as error:  # no base64, no ASCII or no UTF-8
            raise InvalidIdError(text, expected or "object") from error
        node = self._nodes.get(digest)
        if node is None or (expected not in (None, kind)):
            raise InvalidIdError(text, expected or "object")
        return node

    def find(self, text: str) -> Node | None:
        """The recipe behind an id, or None where the text is no id of this session."""
        try:
            return self.get(text)
        except InvalidIdError:
            return None

    def dump(self, roots: Iterable[Node]) -> list[dict[str, Any]]:
        """The recipes `roots` and all they are made of as JSON values, each after those it needs."""
        rows: list[dict[str, Any]] = []
        seen: set[str] = set()
        stack = [(node, False) for node in roots]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                rows.append(_row(node))
            elif node.digest not in seen:
                seen.add(node.digest)
                stack.append((node, True))
                stack.extend((part, False) for part in node.references())
        return rows

    def restore(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in recipes that `dump` wrote."""
        for row in rows:
            parent = self._nodes[row["parent"]] if row["parent"] else None
            self.add(Node(row["type"], row["field"], parent, self._unpacked(row["args"])))

    def _unpacked(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if set(value) == {REF}:
                return self._nodes[value[REF]]
            return {key: self._unpacked(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._unpacked(item) for item in value]
        return value


def _row(node: Node) -> dict[str, Any]:
    return {
        "type": node.type,
        "field": node.field,
        "parent": node.parent.digest if node.parent else None,
        "args": _packed(node.args),
    }
