"""What ELBv2 refuses, by AWS's codes."""

from __future__ import annotations


class Elbv2Error(Exception):
    """The root: `code` is AWS's, `str()` its message."""

    code = "ValidationError"


class Invalid(Elbv2Error):
    """A parameter that breaks a rule; the message says which."""


class NotServed(Elbv2Error):
    """A feature of ELBv2 that AWS on this machine does not have."""

    def __init__(self, feature: str) -> None:
        super().__init__(f"{feature} is not served by AWS on this machine")


class RuleNotFound(Elbv2Error):
    """A rule ARN that is not known."""

    code = "RuleNotFound"

    def __init__(self) -> None:
        super().__init__("One or more rules not found")


class PriorityInUse(Elbv2Error):
    """Two rules of a listener would have one priority."""

    code = "PriorityInUse"

    def __init__(self, priority: int) -> None:
        super().__init__(f"Priority '{priority}' is currently in use")


class DuplicateName(Elbv2Error):
    """A load balancer of that name exists."""

    code = "DuplicateLoadBalancerName"

    def __init__(self, name: str) -> None:
        super().__init__(f"A load balancer with the same name '{name}' exists, but with different settings")


class DuplicateListener(Elbv2Error):
    """The load balancer listens on that port already."""

    code = "DuplicateListener"

    def __init__(self, port: int) -> None:
        super().__init__(f"A listener already exists on this port for this load balancer '{port}'")


class NotPermitted(Elbv2Error):
    """Something that this resource does not allow."""

    code = "OperationNotPermitted"


class AssociationLimit(Elbv2Error):
    """A target group that another load balancer has."""

    code = "TargetGroupAssociationLimit"

    def __init__(self, group: str) -> None:
        super().__init__(
            f"The following target groups cannot be associated with more than one load balancer: '{group}'"
        )


class TargetGroupNotFound(Elbv2Error):
    """A target group ARN that is not known."""

    code = "TargetGroupNotFound"

    def __init__(self) -> None:
        super().__init__("One or more target groups not found")


class CertificateNotFound(Elbv2Error):
    """A certificate ARN that neither ACM nor IAM knows."""

    code = "CertificateNotFound"

    def __init__(self, arn: str) -> None:
        super().__init__(f"Certificate ARN '{arn}' is not valid")
