"""Resource types that moto has: its CloudFormationModel classes behind our interface.

moto 5.2.5 answers a failed creation with an exception of any kind, and changes a resource by a class method of its own.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from moto.core.common_models import CloudFormationModel

from infra.local.cfn.resources.base import Made, Place, Properties, generated_name

MODULES = {"elasticloadbalancingv2": "elbv2", "lambda": "awslambda", "certificatemanager": "acm"}
SUFFIX_BYTES = 6


def moto_class(type_name: str) -> type[Any] | None:
    """moto's class of a resource type, or None where moto has none. Imports the service's models."""
    service = type_name.split("::")[1].lower() if type_name.count("::") == 2 else ""
    try:
        importlib.import_module(f"moto.{MODULES.get(service, service)}.models")
    except ImportError:
        return None
    classes: list[type[Any]] = CloudFormationModel.__subclasses__()
    return next((each for each in classes if each.cloudformation_type() == type_name), None)


class MotoType:
    """A resource type of moto's. What it cannot change in place is replaced."""

    def __init__(self, model: type[Any], suffix: Any) -> None:
        self._model = model
        self._suffix = suffix

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Let moto make it, under the given name or a generated one."""
        name_property = self._model.cloudformation_name_type()
        name = properties.get(name_property) or generated_name(place, logical_id, self._suffix())
        made = self._model.create_from_cloudformation_json(
            name, self._json(properties), place.account, place.region, LogicalId=logical_id, StackId=place.stack_id
        )
        return Made(str(made.physical_resource_id), made)

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether moto cannot change it in place, and more than its tags differ."""
        return self._fixed and any(old.get(name) != new.get(name) for name in {*old, *new} - {"Tags"})

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Let moto change it."""
        if self._fixed:
            return made  # only the tags differ, and moto cannot change them here
        name = new.get(self._model.cloudformation_name_type()) or getattr(made.handle, "name", made.physical_id)
        changed = self._model.update_from_cloudformation_json(
            original_resource=made.handle,
            new_resource_name=name,
            cloudformation_json=self._json(new),
            account_id=place.account,
            region_name=place.region,
        )
        return Made(str(changed.physical_resource_id), changed)

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Let moto delete it, by the object or by its id; a type that moto cannot delete stays."""
        own = getattr(made.handle, "delete", None)
        if own is not None and len(inspect.signature(own).parameters) == 2:
            own(place.account, place.region)
        elif not hasattr(self._model.delete_from_cloudformation_json, "__isabstractmethod__"):
            self._model.delete_from_cloudformation_json(
                made.physical_id, self._json(properties), place.account, place.region
            )

    def attribute(self, made: Made, name: str) -> Any:
        """What moto gives for the attribute."""
        if not self._model.has_cfn_attr(name):
            raise AttributeError(name)
        return made.handle.get_cfn_attribute(name)

    @property
    def _fixed(self) -> bool:
        """Whether moto cannot change such a resource in place."""
        return hasattr(self._model.update_from_cloudformation_json, "__isabstractmethod__")

    def _json(self, properties: Properties) -> dict[str, Any]:
        return {"Type": self._model.cloudformation_type(), "Properties": dict(properties)}
