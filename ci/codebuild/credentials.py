"""`python -m ci.codebuild.credentials`: credentials for the call, as `aws configure export-credentials` prints them.

They are the build's own, or those of the role that CUTOVER_ROLE names.

https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
"""

import json
import os
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ROLE = "CUTOVER_ROLE"
ROLE_SECONDS = 3600  # as long as a role may last that is taken by a role
SESSION = "cutover"


def document(session: Any, role: str) -> dict[str, Any]:
    """The credentials of a role that is taken, else those that boto3 finds; as the document of a credential process,
    empty where there are none."""
    if role:
        taken = session.client("sts").assume_role(RoleArn=role, RoleSessionName=SESSION, DurationSeconds=ROLE_SECONDS)[
            "Credentials"
        ]
        return {"Version": 1, **{name: str(value) for name, value in taken.items() if name != "Expiration"}}
    found = session.get_credentials()
    if found is None:
        return {}
    frozen = found.get_frozen_credentials()
    rows = {"AccessKeyId": frozen.access_key, "SecretAccessKey": frozen.secret_key, "SessionToken": frozen.token}
    return {"Version": 1, **{name: value for name, value in rows.items() if value}}


def main() -> None:
    """Print them; ends 1 where there are none."""
    try:
        found = document(boto3.Session(), os.environ.get(ROLE, ""))
    except (ClientError, BotoCoreError) as error:
        sys.exit(f"Error: {error}")
    if not found:
        sys.exit("Error: no AWS credentials: the build has no role, and its environment names none")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
