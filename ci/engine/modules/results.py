"""What functions gave, by content: the module's files, the object called on, and the arguments."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ci.engine import durations
from ci.engine.nodes import Node, NodeTable
from ci.engine.store import Store
from ci.engine.typedefs import Function

DEFAULT_TTL_SECONDS = 7 * 24 * 3600  # Dagger's own default
NANOSECONDS = 1_000_000_000


@dataclass
class Results:
    """The results of one session's functions, and those that the store keeps."""

    store: Store
    nodes: NodeTable
    _session: dict[str, Any] = field(default_factory=dict)

    def known(self, key: str, function: Function) -> Mapping[str, Any] | None:
        """The record of a result as `{"value": ...}`, None where the function must be called."""
        if function.cache_policy == "Never":
            return None
        if function.cache_policy == "PerSession":
            return self._session.get(key)
        record = self.store.get_record("function", key)
        if record is None or record["until"] < time.time() or not self._whole(record["nodes"]):
            return None
        self.nodes.restore(record["nodes"])
        return dict(record)

    def _whole(self, rows: list[Mapping[str, Any]]) -> bool:
        """Whether the store still has the folders and files that a result is made of."""
        trees = {row["args"]["tree"] for row in rows if row["field"] == "snapshot"}
        return all(self.store.has_record("tree", tree) for tree in trees)

    def keep(self, key: str, function: Function, value: Any) -> None:
        """Keep a result for as long as the function says."""
        if function.cache_policy == "PerSession":
            self._session[key] = {"value": value}
        elif function.cache_policy != "Never":
            rows = self.nodes.dump(held(self.nodes, value))
            # A secret given by value lives in this session's memory only: nobody else could use such a result.
            if any(row["field"] == "setSecret" for row in rows):
                return
            kept = durations.parsed(function.ttl) / NANOSECONDS if function.ttl else DEFAULT_TTL_SECONDS
            until = time.time() + kept
            self.store.put_record("function", key, {"value": value, "nodes": rows, "until": until})


def held(nodes: NodeTable, value: Any) -> list[Node]:
    """The objects whose ids a JSON value holds."""
    return list(_held(nodes, value))


def _held(nodes: NodeTable, value: Any) -> Iterator[Node]:
    if isinstance(value, str):
        if (node := nodes.find(value)) is not None:
            yield node
        return
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _held(nodes, item)
