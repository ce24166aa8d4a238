"""The interface of a resource type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a resource is made, and for which stack."""

    account: str
    region: str
    stack_id: str
    stack_name: str


@dataclass(frozen=True)
class Made:
    """A resource that exists: what `Ref` gives, and whatever its type needs to find it again."""

    physical_id: str
    handle: Any = None


class ResourceType(Protocol):
    """How resources of a type come, change and go. Any exception is the resource's failure, its text the reason.

    `create` cleans up after itself when it fails. `delete` of something that is gone is no error.
    """

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make the resource; gives it once it is ready for use."""
        ...

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether that change needs a new resource in place of the old one."""
        ...

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Change the resource in place; gives it as it is then."""
        ...

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove the resource; returns once it is gone."""
        ...

    def attribute(self, made: Made, name: str) -> Any:
        """`Fn::GetAtt`; raises AttributeError, naming the attribute, where there is none."""
        ...


def differs(old: Properties, new: Properties, names: frozenset[str]) -> bool:
    """Whether any of those properties differ."""
    return any(old.get(name) != new.get(name) for name in names)


def generated_name(place: Place, logical_id: str, suffix: str, limit: int = 128) -> str:
    """A name as CloudFormation makes one: STACK-RESOURCE-SUFFIX, cut to `limit` characters."""
    stem = f"{place.stack_name}-{logical_id}"[: limit - len(suffix) - 1].rstrip("-")
    return f"{stem}-{suffix}"
