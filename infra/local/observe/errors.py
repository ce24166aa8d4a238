"""What CloudWatch refuses, by AWS's codes."""

from __future__ import annotations


class CloudWatchError(Exception):
    """The root: `code` is AWS's, `str()` its message."""

    code = "ValidationError"


class InvalidValue(CloudWatchError):
    """A parameter with a value that it cannot have; the message says which."""

    code = "InvalidParameterValue"


class InvalidCombination(CloudWatchError):
    """Parameters that do not go together."""

    code = "InvalidParameterCombination"


class MissingParameter(CloudWatchError):
    """A parameter that is needed is not there."""

    code = "MissingParameter"

    def __init__(self, name: str) -> None:
        super().__init__(f"The parameter {name} is required.")


class AlarmNotFound(CloudWatchError):
    """An alarm of that name does not exist."""

    code = "ResourceNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The alarm {name} does not exist")


class InvalidFormat(CloudWatchError):
    """Data that is no JSON."""

    code = "InvalidFormat"


class NotServed(CloudWatchError):
    """A feature of CloudWatch that AWS on this machine does not have."""

    code = "InvalidParameterValue"

    def __init__(self, feature: str) -> None:
        super().__init__(f"{feature} is not served by AWS on this machine")
