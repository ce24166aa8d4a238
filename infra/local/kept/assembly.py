"""The folder of `--state` among the parts whose records it keeps: read at once, then saved as they change.

Kept: what moto, CloudFormation and ECS remember. Metrics and the record of calls begin anew.
"""

from __future__ import annotations

import time

from infra.local.cfn.stacks import Stacks
from infra.local.ecs.service import Ecs
from infra.local.kept import records
from infra.local.kept.errors import StateDamaged
from infra.local.kept.folder import StateFolder
from infra.local.kept.saver import Saver, Writes


def make_saver(folder: StateFolder, ecs: Ecs, stacks: Stacks, writes: Writes) -> Saver:
    """Take over what the folder holds, before the first call; gives who keeps it up to date. Raises StateDamaged."""
    if folder.used:
        try:
            own = records.load(folder.records.read_bytes())
        except records.UNREADABLE as error:
            raise StateDamaged(folder.path, type(error).__name__) from error
        stacks.restore(own["stacks"])
        ecs.restore(own["ecs"])

    def stamp() -> object:
        return writes.total, ecs.changes, stacks.changes

    def save() -> None:
        folder.write(records.dump({"ecs": ecs.snapshot(), "stacks": stacks.snapshot()}))

    return Saver(stamp, save, time.monotonic)
