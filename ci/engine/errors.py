"""Errors of the embedded engine: one root, one class a sentence.

Each message is the one sentence a user reads. `extensions` is what a GraphQL error carries beside it, in Dagger's own
form.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class EngineError(Exception):
    """Root of the engine's errors; `exit_code` is what the command ends with."""

    exit_code = 1

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What the GraphQL error carries in `extensions` (empty unless Dagger's API says otherwise)."""
        return {}


class ExecError(EngineError):
    """A `withExec` ended with an exit code that its `expect` does not allow (Dagger's EXEC_ERROR)."""

    def __init__(self, cmd: Sequence[str], exit_code: int, stdout: str, stderr: str) -> None:
        super().__init__(f"exit code: {exit_code}")
        self.cmd = list(cmd)
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr

    @property
    def extensions(self) -> Mapping[str, Any]:
        """The fields of Dagger's EXEC_ERROR."""
        return {
            "_type": "EXEC_ERROR",
            "cmd": self.cmd,
            "exitCode": self.exit_code,
            "stdout": self.stdout.strip(),
            "stderr": self.stderr.strip(),
        }


class FunctionFailedError(EngineError):
    """A module's function returned an error; it carries the error's message and values."""

    def __init__(self, message: str, values: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.values = dict(values)

    @property
    def extensions(self) -> Mapping[str, Any]:
        """The error's values, as the function gave them."""
        return self.values


class ModuleLoadError(EngineError):
    """A module could not be found or loaded."""


class NotServedError(EngineError):
    """A field `Type.name` of Dagger's API that the embedded engine does not serve; `caller` is the function that asked
    for it (empty: a client)."""

    def __init__(self, field: str, caller: str = "") -> None:
        called = f", which {caller} calls," if caller else ""
        super().__init__(
            f"{field}{called} is not served by the embedded engine; Dagger's engine serves it (--engine dagger)"
        )
        self.field = field


class ContextPathError(EngineError):
    """A DefaultPath that stands for nothing; the words are Dagger's."""

    def __init__(self, argument: str, kind: str, path: str, detail: str) -> None:
        what = {"Directory": "directory", "File": "file", "GitRepository": "git repository", "GitRef": "git ref"}[kind]
        super().__init__(f'load contextual arg "{argument}": load contextual {what} "{path}": {detail}')


class InvalidIdError(EngineError):
    """An id that this session did not hand out."""

    def __init__(self, text: str, expected: str) -> None:
        super().__init__(f"{text!r} is not the id of a {expected} in this session")


class NotFoundError(EngineError):
    """A path that is not there."""

    def __init__(self, path: str) -> None:
        super().__init__(f"stat {path}: no such file or directory")


class NotAFileError(EngineError):
    """A path that was to be a file and is a directory."""

    def __init__(self, path: str) -> None:
        super().__init__(f"path {path} is a directory, not a file")


class NotADirectoryPathError(EngineError):
    """A path that was to be a directory and is a file."""

    def __init__(self, path: str) -> None:
        super().__init__(f"path {path} is a file, not a directory")


class ImageNotFoundError(EngineError):
    """An image that neither the local store, a registry nor a recipe has."""

    def __init__(self, reference: str, platform: str, detail: str) -> None:
        super().__init__(f'failed to resolve image "{reference}" (platform: "{platform}"): {detail}')


class InvalidReferenceError(EngineError):
    """A text that is no reference of an image; the words are Dagger's."""

    def __init__(self, text: str, detail: str = "") -> None:
        why = f"invalid reference format: {detail}" if detail else "invalid reference format"
        super().__init__(
            'failed to resolve identity inputs for Container.from: resolve implicit input "fromSessionScope": '
            f"failed to parse image address {text}: {why}"
        )


class InvalidArchiveError(EngineError):
    """A file that holds no image, or not the one asked for."""


class RegistryError(EngineError):
    """A registry refused a request, or gave an answer that is none."""

    def __init__(self, registry: str, detail: str) -> None:
        super().__init__(f"registry {registry}: {detail}")


class RegistryUnreachableError(RegistryError):
    """No registry answers there, or it stopped answering."""


class RegistryDeniedError(RegistryError):
    """A registry wants other credentials, or none of these may do it."""

    def __init__(self, registry: str, repository: str, user: str) -> None:
        who = f"the credentials of {user!r} are refused" if user else "no credentials are known"
        super().__init__(
            registry, f"access to {repository} denied: {who} (withRegistryAuth, or docker login {registry})"
        )


class ManifestUnknownError(RegistryError):
    """A registry that does not have an image."""

    def __init__(self, reference: str) -> None:
        EngineError.__init__(self, f"{reference}: not found")


class RecipeError(EngineError):
    """A base image could not be built by its recipe."""


class OutputTooLargeError(EngineError):
    """A command printed more than is kept; its exit code and the end of its output are known all the same."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"file size {size} exceeds limit {limit}: redirect the output to a file (redirectStdout)")


class StoreFullError(EngineError):
    """The disk that holds the store is full."""

    def __init__(self, root: str) -> None:
        super().__init__(f"the disk of the store {root} is full; free space there, or run `cutover cache prune`")
        self.root = root


class DockerFullError(EngineError):
    """The disk that holds Docker's images and containers is full."""

    def __init__(self) -> None:
        super().__init__("Docker's disk is full; free space there, or run `cutover cache prune`")


class InterruptedCallError(EngineError):
    """The user ended the call (SIGINT); its exit code is the shell's 128 + 2."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted")


class DockerUnavailableError(EngineError):
    """No Docker engine answers."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"no Docker engine answers ({detail}); start Docker, or set DOCKER_HOST to one that runs")


class SecretError(EngineError):
    """A secret that cannot be read."""


class ServiceError(EngineError):
    """A service that did not start or never became healthy."""


class HostPathError(EngineError):
    """A path of the host that cannot be read or written."""


class InvalidArgumentError(EngineError):
    """An argument whose value the API does not allow."""


class InvalidPlatformError(InvalidArgumentError):
    """A text that is no platform; the words are Dagger's."""

    def __init__(self, text: str) -> None:
        super().__init__(f'"{text}": unknown operating system or architecture: invalid argument')


class InvalidEnumError(InvalidArgumentError):
    """A value that an enum does not have; the words are Dagger's."""

    def __init__(self, value: object, enum: str) -> None:
        super().__init__(f'invalid enum value "{value}" for {enum}')


class ReservedNameError(ModuleLoadError):
    """A name that the API has for itself, on an object or interface of a module; the words are Dagger's."""

    def __init__(self, kind: str, name: str, owner: str) -> None:
        super().__init__(f'cannot define {kind} with reserved name "{name}" on {owner}')
