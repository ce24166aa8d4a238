"""What can be wrong with a service's dependencies before uv is asked."""

from ci.errors import CutoverError


class LockError(CutoverError):
    """The dependencies cannot be locked."""


class UnreadableError(LockError):
    """A file of dependencies is not as its tool writes it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be locked: {reason}")


class UnfoundError(LockError):
    """There are dependencies, and which of them are meant is not clear; the reason says what to do."""


class SameFileError(LockError):
    """The lock would be written over the file that it is made of."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"[tool.cutover] lock = {name!r} is the file that the dependencies are read from: "
            'set lock = "requirements.lock"'
        )


class UvError(LockError):
    """uv found no versions that fit, or reached no index; its own words say which."""

    def __init__(self, printed: str) -> None:
        super().__init__(f"uv could not lock the dependencies:\n{printed.strip()}")
