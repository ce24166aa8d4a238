"""Rule conditions: from ELBv2's words to patterns, and from patterns to HAProxy's ACL expressions.

Source: ALB user guide, "rule-condition-types": `*` is any run of characters, `?` is one; paths are compared with case,
host names, headers and queries without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.alb.records import Condition

# Field: the member that holds the values, and HAProxy's expression that gives what they are compared with.
CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
FETCHES = {
    "path-pattern": "path -m reg",
    "host-header": "req.hdr(host),host_only,lower -m reg -i",
    "http-request-method": "method -m reg",
    "query-string": "query -m reg -i",
    "source-ip": "src",
}


def read_condition(condition: Mapping[str, Any]) -> Condition | None:
    """A rule's condition as data; None for a kind that is not known."""
    field = condition.get("Field", "")
    if field not in CONFIGS:
        return None
    config = condition.get(CONFIGS[field]) or {}
    values = config.get("Values") or condition.get("Values") or []
    pattern = _PATTERNS.get(field, wildcard)
    expressions = tuple(config.get("RegexValues") or ())
    return Condition(field, (*map(pattern, values), *expressions), config.get("HttpHeaderName", ""))


def acl(condition: Condition) -> str:
    """HAProxy's anonymous ACL for a condition."""
    fetch = FETCHES.get(condition.field) or f"req.fhdr({condition.name}) -m reg -i"
    return f"{{ {fetch} -- {' '.join(map(quoted, condition.patterns))} }}"


def wildcard(value: str) -> str:
    """A regular expression for a value with wildcards."""
    return f"^{_translated(value, '.')}$"


def quoted(text: str) -> str:
    """Text as one word of HAProxy's configuration."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return '"' + escaped.replace("$", "\\$") + '"'


def _translated(value: str, any_character: str) -> str:
    return "".join({"*": f"{any_character}*", "?": any_character}.get(char, re.escape(char)) for char in value)


def _query_pattern(pair: Mapping[str, str]) -> str:
    """Some `key=value` of the query; without a key, the value of any."""
    key = _translated(pair["Key"], "[^&=]") if pair.get("Key") else "[^&=]*"
    return f"(^|&){key}={_translated(pair['Value'], '[^&]')}(&|$)"


_PATTERNS: Mapping[str, Callable[[Any], str]] = {"query-string": _query_pattern, "source-ip": str}
