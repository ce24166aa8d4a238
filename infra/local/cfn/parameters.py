"""A template's parameters: given values, previous ones and defaults, checked against their constraints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.cfn.errors import CfnError

Number = int | float
SSM_VALUE = "AWS::SSM::Parameter::Value<"
HIDDEN = "****"


def chosen_values(
    template: Mapping[str, Any], given: Iterable[Mapping[str, Any]], previous: Mapping[str, str]
) -> dict[str, str]:
    """Every parameter's value as text; raises CfnError where one is missing, unknown or against its constraints."""
    declared: Mapping[str, Any] = template["Parameters"]
    values: dict[str, str] = {}
    for entry in given:
        name = entry["ParameterKey"]
        if name not in declared:
            raise CfnError(f"Parameters: [{name}] do not exist in the template")
        if entry.get("UsePreviousValue"):
            if name in previous:
                values[name] = previous[name]
        else:
            values[name] = str(entry.get("ParameterValue", ""))
    for name, declaration in declared.items():
        if name not in values and "Default" in declaration:
            values[name] = str(declaration["Default"])
    if missing := [name for name in declared if name not in values]:
        raise CfnError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, declaration in declared.items():
        _check(name, values[name], declaration)
    return values


def resolved_values(
    template: Mapping[str, Any], values: Mapping[str, str], parameter: Callable[[str], str]
) -> dict[str, str]:
    """The values behind parameters of type `AWS::SSM::Parameter::Value<...>`, which `parameter` looks up by name."""
    return {
        name: parameter(values[name])
        for name, declaration in template["Parameters"].items()
        if declaration["Type"].startswith(SSM_VALUE)
    }


def shown_values(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """The values as the API may show them: those declared NoEcho are hidden."""
    declared = template["Parameters"]
    hidden = {name for name in values if str(declared.get(name, {}).get("NoEcho", False)).lower() == "true"}
    return {name: HIDDEN if name in hidden else value for name, value in values.items()}


def typed_values(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The values as `Ref` gives them: numbers and lists by their type."""
    return {name: _typed(values[name], declaration["Type"]) for name, declaration in template["Parameters"].items()}


def _typed(value: str, kind: str) -> Any:
    if kind.startswith(SSM_VALUE):
        return _typed(value, kind.removeprefix(SSM_VALUE)[:-1])
    if kind == "Number":
        return _number(value)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        items = [item.strip() for item in value.split(",")]
        return [_number(item) for item in items] if kind == "List<Number>" else items
    return value


def _number(value: str) -> Number:
    try:
        return int(value)
    except ValueError:
        return float(value)


def _check(name: str, value: str, declaration: Mapping[str, Any]) -> None:
    allowed = [str(each) for each in declaration.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise CfnError(f"Parameter '{name}' must be one of AllowedValues")
    pattern = declaration.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        wording = declaration.get("ConstraintDescription") or f"must match pattern {pattern}"
        raise CfnError(f"Parameter '{name}' {wording}")
    if declaration["Type"] == "Number":
        _check_bounds(name, value, declaration)
    elif not declaration.get("MinLength", 0) <= len(value) <= declaration.get("MaxLength", len(value)):
        raise CfnError(f"Parameter '{name}' has a length that is not between MinLength and MaxLength")


def _check_bounds(name: str, value: str, declaration: Mapping[str, Any]) -> None:
    try:
        number = _number(value)
    except ValueError as error:
        raise CfnError(f"Parameter '{name}' must be a number") from error
    if number < declaration.get("MinValue", number):
        raise CfnError(f"Parameter '{name}' must be a number not less than {declaration['MinValue']}")
    if number > declaration.get("MaxValue", number):
        raise CfnError(f"Parameter '{name}' must be a number not greater than {declaration['MaxValue']}")
