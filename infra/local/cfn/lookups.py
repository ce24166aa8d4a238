"""Values outside of CloudFormation, from moto's backends of SSM, Secrets Manager and S3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.local.cfn.errors import CfnError

Backend = Callable[[str, str], Any]  # moto's backend of a service and region


class MotoLookups:
    """`dynamic.Lookups`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def parameter(self, region: str, name: str) -> str:
        """As GetParameter gives it, decrypted."""
        found = self._backend("ssm", region).get_parameter(name)
        if found is None:
            raise CfnError(f"Unable to fetch parameters [{name}] from parameter store for this account.")
        return str(found.response_object(decrypt=True, region=region)["Value"])

    def secret(self, region: str, secret_id: str, key: str, stage: str) -> str:
        """As GetSecretValue gives it."""
        try:
            found = self._backend("secretsmanager", region).get_secret_value(secret_id, "", stage or "AWSCURRENT")
            text = str(found["SecretString"])
            return str(json.loads(text)[key]) if key else text
        except Exception as error:  # moto's own errors are of many types, and have no common root in their service
            where = f"{secret_id}:SecretString:{key}" if key else secret_id
            raise CfnError(f"Could not find a value for the dynamic reference secretsmanager:{where}") from error

    def template(self, url: str) -> str:
        """Of a path-style or virtual-hosted-style URL."""
        address = urlsplit(url)
        host, path = address.hostname or "", unquote(address.path.lstrip("/"))
        bucket, _, rest = host.partition(".s3")
        bucket, key = (bucket, path) if rest else (path.partition("/")[0], path.partition("/")[2])
        try:
            found = self._backend("s3", "aws").get_object(bucket, key)
        except Exception as error:  # S3's own errors, of which a missing bucket is one
            raise CfnError(f"S3 error: Access Denied ({url})") from error
        if found is None:
            raise CfnError(f"S3 error: The specified key does not exist. ({url})")
        return bytes(found.value).decode()
