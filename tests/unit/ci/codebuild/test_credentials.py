"""The credentials that a build gives its call."""

from types import SimpleNamespace
from typing import Any

from ci.codebuild.credentials import document

OWN = SimpleNamespace(access_key="A", secret_key="B", token=None)
TAKEN = {"AccessKeyId": "C", "SecretAccessKey": "D", "SessionToken": "E", "Expiration": "later"}


class Session:
    """A boto3 session of a build, or of nobody."""

    def __init__(self, found: Any) -> None:
        self.found = found
        self.asked: dict[str, Any] = {}

    def get_credentials(self) -> Any:
        return SimpleNamespace(get_frozen_credentials=lambda: self.found) if self.found else None

    def client(self, name: str) -> "Session":
        assert name == "sts"
        return self

    def assume_role(self, **given: Any) -> dict[str, Any]:
        self.asked = given
        return {"Credentials": TAKEN}


def test_they_are_the_builds_own_where_no_role_is_named() -> None:
    assert document(Session(OWN), "") == {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B"}
    assert document(Session(None), "") == {}


def test_a_role_that_is_named_is_taken() -> None:
    session = Session(OWN)
    assert document(session, "arn:role") == {
        "Version": 1, "AccessKeyId": "C", "SecretAccessKey": "D", "SessionToken": "E",
    }  # fmt: skip
    assert (session.asked["RoleArn"], session.asked["DurationSeconds"]) == ("arn:role", 3600)
