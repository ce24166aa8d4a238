"""What can be wrong with the folder of `--state`."""

from __future__ import annotations

from pathlib import Path

from infra.local.errors import LocalAwsError


class NoState(LocalAwsError):
    """The folder holds something else, or it is none."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is no state of AWS on this machine: name an empty or a new folder with --state")
        self.path = path


class OtherVersion(LocalAwsError):
    """The records were written by another version, whose classes they name."""

    def __init__(self, path: Path, found: str, ours: str) -> None:
        super().__init__(f"the state in {path} was written by {found}, this is {ours}: use that one, or another folder")
        self.path, self.found, self.ours = path, found, ours


class StateUnusable(LocalAwsError):
    """The system refuses to read or write there."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used for --state ({reason}): name a folder that you can write to")
        self.path, self.reason = path, reason


class StateInUse(LocalAwsError):
    """Another instance has the folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"another instance uses the state in {path}: end it (`cutover local down`), or name another one"
        )
        self.path = path


class StateDamaged(LocalAwsError):
    """The records cannot be read back."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the records in {path} are damaged ({reason}): remove the folder, or restore it from a copy")
        self.path, self.reason = path, reason
