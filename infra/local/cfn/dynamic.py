"""Dynamic references (user guide, "Get values stored in other services"): `{{resolve:SERVICE:REFERENCE}}`.

They are resolved when a resource is made or changed, never kept among a stack's properties: a secret stays a secret.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from infra.local.cfn.errors import TemplateError

REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]+)\}\}")
SECRET = re.compile(
    r"(?P<id>arn:(?:[^:]*:){5}[^:]+|[^:]+)(?::SecretString(?::(?P<key>[^:]*))?(?::(?P<stage>[^:]*))?)?:*"
)


class Lookups(Protocol):
    """Values outside of CloudFormation. Each raises CfnError where there is none."""

    def parameter(self, region: str, name: str) -> str:
        """The value of an SSM parameter, `NAME` or `NAME:VERSION`, decrypted."""
        ...

    def secret(self, region: str, secret_id: str, key: str, stage: str) -> str:
        """A secret's text at a stage ("" is AWSCURRENT), or the member `key` of it."""
        ...

    def template(self, url: str) -> str:
        """The text of an object in S3."""
        ...


def resolve(node: Any, region: str, lookups: Lookups) -> Any:
    """The node with every dynamic reference in its texts replaced by its value; raises CfnError."""
    if isinstance(node, dict):
        return {name: resolve(value, region, lookups) for name, value in node.items()}
    if isinstance(node, list):
        return [resolve(each, region, lookups) for each in node]
    if not isinstance(node, str) or "{{resolve:" not in node:
        return node
    return REFERENCE.sub(lambda match: _value(match[1], match[2], region, lookups), node)


def _value(service: str, reference: str, region: str, lookups: Lookups) -> str:
    if service != "secretsmanager":
        return lookups.parameter(region, reference)
    parts = SECRET.fullmatch(reference)
    if parts is None:
        raise TemplateError(f"Template error: the dynamic reference secretsmanager:{reference} is malformed")
    return lookups.secret(region, parts["id"], parts["key"] or "", parts["stage"] or "")
