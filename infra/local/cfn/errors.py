"""CloudFormation's error codes and words."""

from __future__ import annotations


class CfnError(Exception):
    """Root: `code` and `str()` go out in the answer, with HTTP status 400."""

    code = "ValidationError"


class TemplateError(CfnError):
    """The template, or a function in it, cannot be understood."""


class StackNotFound(CfnError):
    """No stack of that name or id."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Stack with id {name} does not exist")


class StackExists(CfnError):
    """There is a stack of that name."""

    code = "AlreadyExistsException"

    def __init__(self, name: str) -> None:
        super().__init__(f"Stack [{name}] already exists")


class WrongStackState(CfnError):
    """The stack's status does not allow that."""

    def __init__(self, stack_id: str, status: str, verb: str) -> None:
        super().__init__(f"Stack:{stack_id} is in {status} state and can not be {verb}.")


class Protected(CfnError):
    """Termination protection is on."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Stack [{name}] cannot be deleted while TerminationProtection is enabled")


class NotImported(CfnError):
    """No stack imports the export, or there is none."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Export '{name}' is not imported by any stack.")


class NoUpdates(CfnError):
    """Nothing differs."""

    def __init__(self) -> None:
        super().__init__("No updates are to be performed.")


class ChangeSetNotFound(CfnError):
    """No change set of that name or id."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatus(CfnError):
    """The change set cannot be executed as it stands."""

    code = "InvalidChangeSetStatus"

    def __init__(self, name: str, status: str) -> None:
        super().__init__(f"ChangeSet [{name}] cannot be executed in its current status of [{status}]")


class InsufficientCapabilities(CfnError):
    """The template makes IAM resources, and the caller did not acknowledge that."""

    code = "InsufficientCapabilitiesException"

    def __init__(self, needed: str) -> None:
        super().__init__(f"Requires capabilities : [{needed}]")


class NotServed(CfnError):
    """An operation or option that AWS on this machine does not have."""

    code = "UnsupportedOperation"

    def __init__(self, what: str) -> None:
        super().__init__(f"AWS on this machine does not serve {what} of CloudFormation.")
        self.what = what


class ResourceFailed(CfnError):
    """A resource could not be created, updated or deleted; `str()` is its ResourceStatusReason."""
