"""CPU and memory of a task, as texts of the API (API: RegisterTaskDefinition, TaskOverride)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.local.ecs.errors import ClientError

SIZE = re.compile(r"(\d+)|(\d*\.?\d+) *(?:vCPU|GB)", re.IGNORECASE)
UNITS = 1024  # CPU units of a vCPU, MiB of a GB
LEAST_CPU = 128
FARGATE: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}


def in_units(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same with `cpu` in CPU units and `memory` in MiB, as ECS keeps them; raises ClientError."""
    return {**given, **{name: _units(name, given[name]) for name in ("cpu", "memory") if given.get(name)}}


def check_fargate(cpu: str, memory: str) -> None:
    """Raise ClientError unless Fargate has tasks of that size (developer guide, "fargate-tasks-services")."""
    if int(memory) not in FARGATE.get(int(cpu), ()):
        raise ClientError(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")


def _units(name: str, text: str) -> str:
    found = SIZE.fullmatch(text)
    size = 0 if found is None else int(found[1] or float(found[2]) * UNITS)
    if size < (LEAST_CPU if name == "cpu" else 1):
        raise ClientError(f"Invalid '{name}' setting for task.")
    return str(size)
