"""Errors of Dockerfiles: each names the line."""

from ci.engine.errors import EngineError


class DockerfileError(EngineError):
    """An instruction that is wrong; the words are BuildKit's where it has them."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"dockerfile parse error on line {line}: {message}")
        self.line = line


class InstructionNotServedError(EngineError):
    """An instruction, or a flag of one, that this engine does not serve."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(
            f"line {line} of the Dockerfile: {what} is not served by the embedded engine; "
            "Dagger's engine serves it (--engine dagger)"
        )
