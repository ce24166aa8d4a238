"""`python -m ci.codebuild.credentials`: the build's own credentials, as `aws configure export-credentials` prints them.

https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
"""

import json
import sys
from typing import Any

import boto3


def document(session: Any) -> dict[str, Any]:
    """The credentials that boto3 finds, as the document of a credential process; empty where it finds none."""
    found = session.get_credentials()
    if found is None:
        return {}
    frozen = found.get_frozen_credentials()
    rows = {
        "AccessKeyId": frozen.access_key,
        "SecretAccessKey": frozen.secret_key,
        "SessionToken": frozen.token,
    }
    return {"Version": 1, **{name: value for name, value in rows.items() if value}}


def main() -> None:
    """Print them; ends 1 where there are none."""
    found = document(boto3.Session())
    if not found:
        sys.exit("Error: no AWS credentials: the build has no role, and its environment names none")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
