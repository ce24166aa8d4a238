"""Finds a resource type by its name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from infra.local.cfn.errors import TemplateError
from infra.local.cfn.resources import cloudwatch, delivery, ec2, ecs, elbv2
from infra.local.cfn.resources.api import PUT_TYPES, REMOVALS, ApiCall, ApiType, RemovedByApi, SecretType
from infra.local.cfn.resources.base import ResourceType
from infra.local.cfn.resources.moto import SUFFIX_BYTES, MotoType, moto_class


def random_suffix() -> str:
    """The end of a generated name."""
    return secrets.token_hex(SUFFIX_BYTES)


class ResourceTypes:
    """All types that are served: ours first, then moto's."""

    def __init__(
        self,
        ecs_api: ecs.EcsApi,
        elbv2_backend: Callable[[str], Any],
        alarms: cloudwatch.AlarmApi,
        api: ApiCall,
        suffix: Callable[[], str] = random_suffix,
    ) -> None:
        self._ecs = ecs_api
        self._elbv2_backend = elbv2_backend
        self._alarms = alarms
        self._api = api
        self._suffix = suffix
        self._known: dict[str, ResourceType] = {}

    def get(self, name: str) -> ResourceType:
        """The type of that name; raises TemplateError where it is not served."""
        if name not in self._known:
            self._known[name] = self._make(name)
        return self._known[name]

    def _make(self, name: str) -> ResourceType:
        if name in ecs.CLASSES:
            return ecs.CLASSES[name](self._ecs, self._suffix)
        if name in cloudwatch.CLASSES:
            return cloudwatch.CLASSES[name](self._alarms, self._suffix)
        if name in PUT_TYPES:
            return ApiType(PUT_TYPES[name], self._api, _input_shape, self._suffix)
        if name in delivery.CLASSES:
            return delivery.CLASSES[name](self._api, _input_shape, self._suffix)
        if name in delivery.POLICIES:
            return delivery.POLICIES[name](self._api)
        if name == "AWS::SecretsManager::Secret":
            return SecretType(self._api, self._suffix)
        model = moto_class(name)
        if model is None or name.startswith("AWS::ECS::"):
            raise TemplateError(
                f"Template format error: Unrecognized resource types: [{name}] (AWS on this machine does not serve it)"
            )
        if name in elbv2.CLASSES:
            return elbv2.CLASSES[name](model, self._suffix, self._elbv2_backend)
        if name in ec2.REMOVALS:
            return ec2.RemovableType(model, self._suffix, ec2.REMOVALS[name])
        if name in REMOVALS:
            return RemovedByApi(model, self._suffix, self._api, name)
        return (ec2.SecurityGroupType if name == "AWS::EC2::SecurityGroup" else MotoType)(model, self._suffix)


def _input_shape(service: str, operation: str) -> Any:
    from moto.core.utils import get_service_model

    return get_service_model(service).operation_model(operation).input_shape
