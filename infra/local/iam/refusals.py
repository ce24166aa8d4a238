"""What a refused caller is told: AWS's codes and words, which differ by protocol and service.

Source: IAM user guide, "Troubleshoot access denied error messages", and each API reference's "Common Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.gateway.calls import Call
from infra.local.iam.evaluate import Decision, Question

DENIED: Mapping[str, tuple[str, int]] = {
    "json": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    "query": ("AccessDenied", 403),
    "ec2": ("UnauthorizedOperation", 403),
    "rest-xml": ("AccessDenied", 403),
    "smithy-rpc-v2-cbor": ("AccessDenied", 403),
}
INVALID: Mapping[str, tuple[str, int]] = {
    "json": ("UnrecognizedClientException", 400),
    "rest-json": ("UnrecognizedClientException", 403),
    "ec2": ("AuthFailure", 401),
    "rest-xml": ("InvalidAccessKeyId", 403),
}
EXPIRED: Mapping[str, tuple[str, int]] = {
    "json": ("ExpiredTokenException", 400),
    "rest-json": ("ExpiredTokenException", 403),
    "ec2": ("RequestExpired", 400),
}
UNKNOWN_S3_KEY = "The AWS Access Key Id you provided does not exist in our records."
EC2_PREFIX = "You are not authorized to perform this operation. "


@dataclass(frozen=True)
class Refusal:
    """An error that IAM gives in place of the service's answer; `status` is that of HTTP."""

    code: str
    message: str
    status: int


def access_refusal(call: Call, caller: str, question: Question, decision: Decision) -> Refusal:
    """For a caller, by its ARN, who may not do that."""
    code, status = DENIED[call.protocol]
    on = f" on resource: {question.resource}" if question.resource != "*" or call.service != "ec2" else ""
    prefix = EC2_PREFIX if call.protocol == "ec2" else ""
    because = decision.because(question.action)
    text = f"{prefix}User: {caller} is not authorized to perform: {question.action}{on} {because}"
    return Refusal(code, text, status)


def credential_refusal(call: Call, expired: bool) -> Refusal:
    """For a key that nobody has, or a session that has ended."""
    if expired:
        code, status = EXPIRED.get(call.protocol, ("ExpiredToken", 403))
        return Refusal(code, "The security token included in the request is expired", status)
    code, status = INVALID.get(call.protocol, ("InvalidClientTokenId", 403))
    is_s3 = call.protocol == "rest-xml"
    return Refusal(code, UNKNOWN_S3_KEY if is_s3 else "The security token included in the request is invalid.", status)
