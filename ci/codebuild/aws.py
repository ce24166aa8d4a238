"""Parameter Store and Secrets Manager by boto3, as CodeBuild asks them."""

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ci.codebuild.values import NoSuchValueError

KEYS = {"aws_access_key_id": "cutover", "aws_secret_access_key": "cutover", "aws_session_token": "cutover"}


def client(service: str, endpoint: str, region: str) -> Any:
    """A client of AWS on this machine."""
    make: Any = boto3.client  # its overloads want the service's name as a literal
    return make(service, endpoint_url=endpoint, region_name=region, **KEYS)


class AwsVault:
    """A vault of an AWS account."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._parameters = client("ssm", endpoint, region)
        self._secrets = client("secretsmanager", endpoint, region)

    def parameter(self, name: str) -> str:
        """A parameter, decrypted; raises NoSuchValueError."""
        try:
            return str(self._parameters.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except (ClientError, BotoCoreError) as error:
            raise NoSuchValueError(_said(error)) from error

    def secret(self, name: str, stage: str, version: str) -> str:
        """A secret's text; raises NoSuchValueError."""
        which = {key: value for key, value in (("VersionStage", stage), ("VersionId", version)) if value}
        try:
            return str(self._secrets.get_secret_value(SecretId=name, **which)["SecretString"])
        except (ClientError, BotoCoreError, KeyError) as error:
            raise NoSuchValueError(_said(error)) from error


def _said(error: Exception) -> str:
    if isinstance(error, ClientError):
        found = error.response["Error"]
        return f"{found['Code']} {found['Message']}".strip()
    return str(error)
