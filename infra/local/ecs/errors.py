"""ECS's own error codes, as the API answers them (ECS API reference, "Common Errors" and each operation's "Errors")."""

from __future__ import annotations


class EcsError(Exception):
    """Root: `code` goes out as `__type`, `str()` as `message`, with HTTP status 400."""

    code = "ClientException"


class ClientError(EcsError):
    """The request cannot be done."""


class InvalidParameter(EcsError):
    """A parameter has a value that ECS does not take."""

    code = "InvalidParameterException"


class ClusterNotFound(EcsError):
    """No active cluster of that name."""

    code = "ClusterNotFoundException"

    def __init__(self) -> None:
        super().__init__("Cluster not found.")


class ClusterContainsServices(EcsError):
    """The cluster still has services."""

    code = "ClusterContainsServicesException"

    def __init__(self) -> None:
        super().__init__("The Cluster cannot be deleted while Services are active.")


class ClusterContainsTasks(EcsError):
    """The cluster still has tasks."""

    code = "ClusterContainsTasksException"

    def __init__(self) -> None:
        super().__init__("The Cluster cannot be deleted while Tasks are active.")


class ServiceNotFound(EcsError):
    """No service of that name in the cluster."""

    code = "ServiceNotFoundException"

    def __init__(self) -> None:
        super().__init__("Service not found.")


class ServiceNotActive(EcsError):
    """The service was deleted, or is being deleted."""

    code = "ServiceNotActiveException"

    def __init__(self) -> None:
        super().__init__("Service was not ACTIVE.")


class TaskNotFound(InvalidParameter):
    """No task of that id in the cluster."""

    def __init__(self) -> None:
        super().__init__("The referenced task was not found.")


class ServiceDeploymentNotFound(EcsError):
    """No service deployment of that ARN."""

    code = "ServiceDeploymentNotFoundException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"The service deployment {arn} was not found.")


class ResourceNotFound(EcsError):
    """Nothing that can be tagged has that ARN."""

    code = "ResourceNotFoundException"

    def __init__(self) -> None:
        super().__init__("The specified resource could not be found.")


class Conflict(EcsError):
    """The service deployment is not in a state in which that can be done."""

    code = "ConflictException"


class NotServed(EcsError):
    """An operation, or a way of using one, that AWS on this machine does not have."""

    code = "UnsupportedFeatureException"

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"AWS on this machine does not serve {what} of ECS.{advice and f' {advice}'}")
        self.what = what
