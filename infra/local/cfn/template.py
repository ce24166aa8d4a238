"""A template's text as data: YAML with CloudFormation's short tags, or JSON."""

from __future__ import annotations

from typing import Any

import yaml

from infra.local.cfn.errors import TemplateError

SECTIONS = ("Resources", "Parameters", "Conditions", "Mappings", "Outputs")


class _Loader(yaml.SafeLoader):
    """YAML with `!Ref` and the like; dates stay text."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_template(text: str) -> dict[str, Any]:
    """The template with its sections, all of them mappings; raises TemplateError."""
    try:
        template = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise TemplateError(f"Template format error: {error}") from error
    if not isinstance(template, dict):
        raise TemplateError("Template format error: unsupported structure.")
    if not template.get("Resources"):
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    for section in SECTIONS:
        template[section] = template.get(section) or {}
    for name, resource in template["Resources"].items():
        if not isinstance(resource, dict) or "Type" not in resource:
            place = f"[/Resources/{name}]"
            raise TemplateError(f"Template format error: {place} Every Resources object must contain a Type member.")
        resource.setdefault("Properties", {})
    return template
