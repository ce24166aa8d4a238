"""Intrinsic functions and conditions (CloudFormation template reference, "Intrinsic function reference")."""

from __future__ import annotations

import base64
import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.cfn.errors import TemplateError

SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")
ZONES = "abc"
DEFAULT_CIDR_BITS = 8


class NoValue:
    """What `AWS::NoValue` evaluates to: whatever holds it is left out."""


@dataclass(frozen=True)
class Scope:
    """What names mean: parameters, pseudo parameters, resources (by `ref` and `attribute`), exports of other stacks."""

    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    exports: Mapping[str, str]
    ref: Callable[[str], str]
    attribute: Callable[[str, str], Any]


def evaluate(node: Any, scope: Scope) -> Any:
    """The node with every function replaced by its value; raises TemplateError."""
    if isinstance(node, list):
        return [value for value in (evaluate(each, scope) for each in node) if not isinstance(value, NoValue)]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((name, argument),) = node.items()
        if name in FUNCTIONS:
            return FUNCTIONS[name](argument, scope)
        if str(name).startswith("Fn::"):
            raise TemplateError(f"Template error: AWS on this machine does not know the function {name}")
    values = {name: evaluate(value, scope) for name, value in node.items()}
    return {name: value for name, value in values.items() if not isinstance(value, NoValue)}


def holds(condition: Any, scope: Scope) -> bool:
    """Whether a condition (its expression, or a reference to one) is true."""
    ((name, argument),) = condition.items()
    if name == "Condition":
        return named_condition(argument, scope)
    if name == "Fn::Equals":
        left, right = (str(evaluate(each, scope)) for each in argument)
        return left == right
    if name == "Fn::Not":
        return not holds(argument[0], scope)
    if name in ("Fn::And", "Fn::Or"):
        return (all if name == "Fn::And" else any)(holds(each, scope) for each in argument)
    raise TemplateError(f"Template error: {name} is no condition function")


def named_condition(name: str, scope: Scope) -> bool:
    """Whether the condition of that name is true."""
    if name not in scope.conditions:
        raise TemplateError(f"Template error: unresolved condition dependency {name}")
    return holds(scope.conditions[name], scope)


def _ref(name: str, scope: Scope) -> Any:
    if name == "AWS::NoValue":
        return NoValue()
    if name in scope.pseudo:
        return scope.pseudo[name]
    return scope.parameters[name] if name in scope.parameters else scope.ref(name)


def _get_att(argument: Any, scope: Scope) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    return scope.attribute(parts[0], str(evaluate(parts[1], scope)))


def _sub(argument: Any, scope: Scope) -> str:
    text, variables = (argument, {}) if isinstance(argument, str) else argument

    def value(match: re.Match[str]) -> str:
        literal, name = match.groups()
        if literal:
            return f"${{{name}}}"
        if name in variables:
            return _text(evaluate(variables[name], scope))
        return _text(_get_att(name, scope) if "." in name else _ref(name, scope))

    return SUBSTITUTION.sub(value, text)


def _join(argument: Any, scope: Scope) -> str:
    separator, items = argument
    return str(separator).join(_text(item) for item in evaluate(items, scope))


def _split(argument: Any, scope: Scope) -> list[str]:
    separator, text = argument
    return str(evaluate(text, scope)).split(separator)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = int(evaluate(argument[0], scope)), evaluate(argument[1], scope)
    if not 0 <= index < len(items):
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[index]


def _if(argument: Any, scope: Scope) -> Any:
    name, yes, no = argument
    return evaluate(yes if named_condition(name, scope) else no, scope)


def _import(argument: Any, scope: Scope) -> str:
    name = str(evaluate(argument, scope))
    if name not in scope.exports:
        raise TemplateError(f"No export named {name} found.")
    return scope.exports[name]


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = evaluate(argument, scope) or scope.pseudo["AWS::Region"]
    return [f"{region}{zone}" for zone in ZONES]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    keys, options = [str(evaluate(each, scope)) for each in argument[:3]], argument[3:]
    found: Any = scope.mappings
    for key in keys:
        if key not in found:
            if options:
                return evaluate(options[0]["DefaultValue"], scope)
            raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(keys)}")
        found = found[key]
    return found


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, *bits = evaluate(argument, scope)
    try:
        network = ipaddress.ip_network(block)
        prefix = network.max_prefixlen - int(bits[0] if bits else DEFAULT_CIDR_BITS)
        found = [str(each) for each in itertools.islice(network.subnets(new_prefix=prefix), int(count))]
    except ValueError as error:
        raise TemplateError(f"Template error: Fn::Cidr: {error}") from error
    if len(found) < int(count):
        raise TemplateError(f"Template error: Fn::Cidr: {block} does not hold {count} blocks of that size")
    return found


def _to_json(argument: Any, scope: Scope) -> str:
    return json.dumps(evaluate(argument, scope), separators=(",", ":"))


def _transform(argument: Any, scope: Scope) -> Any:
    raise TemplateError("Template error: AWS on this machine has no transforms (Fn::Transform)")


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(str(evaluate(argument, scope)).encode()).decode()


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::GetAZs": _zones,
    "Fn::FindInMap": _find_in_map,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Length": lambda argument, scope: len(evaluate(argument, scope)),
    "Fn::ToJsonString": _to_json,
    "Fn::Transform": _transform,
}
