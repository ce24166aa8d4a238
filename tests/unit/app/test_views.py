"""The routes."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.state import State
from app.views import GREETING

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_the_root_greets_in_json(client: FlaskClient) -> None:
    """The greeting comes with the version that greets."""
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.json is not None
    assert answer.json["message"].startswith(GREETING)
    assert answer.json["version"] == "1.2.3"


def test_health_is_200_until_told_to_stop_then_503(app: Flask, client: FlaskClient) -> None:
    """The other routes go on answering meanwhile."""
    assert client.get("/health").status_code == 200
    State.of(app).stopping = True
    answer = client.get("/health")
    assert (answer.status_code, answer.json) == (503, {"status": "stopping"})
    assert client.get("/").status_code == 200


def test_one_application_told_to_stop_leaves_others_alone(app: Flask) -> None:
    """State belongs to the application object, not to the module."""
    State.of(app).stopping = True
    assert create_app(State.of(app).settings).test_client().get("/health").status_code == 200


def test_version_tells_what_the_environment_told(client: FlaskClient) -> None:
    """All three, under fixed names."""
    assert client.get("/version").json == {"version": "1.2.3", "commit": "abc1234", "image_digest": DIGEST}


def test_version_without_being_told_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service started by hand answers all the same."""
    for name in ("PORT", "APP_THREADS", "APP_VERSION", "APP_COMMIT", "APP_IMAGE_DIGEST"):
        monkeypatch.delenv(name, raising=False)
    answer = create_app().test_client().get("/version")
    assert answer.json == {"version": "unknown", "commit": "unknown", "image_digest": "unknown"}


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [("GET", "/nowhere", 404, "Not Found"), ("POST", "/", 405, "Method Not Allowed")],
)
def test_errors_are_json_with_the_request_id(
    client: FlaskClient, method: str, path: str, status: int, error: str
) -> None:
    """The id leads from an error a user reports to its line in the log."""
    answer = client.open(path, method=method, headers={"X-Request-Id": "r-1"})
    assert (answer.status_code, answer.json) == (status, {"error": error, "request_id": "r-1"})


def test_method_not_allowed_says_which_are(client: FlaskClient) -> None:
    """RFC 9110 section 15.5.6: the answer carries `Allow`."""
    assert "GET" in client.post("/").headers["Allow"]


def test_an_exception_is_a_json_500(app: Flask) -> None:
    """The cause goes to the log, not to the client."""

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("a secret detail")

    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["error"] == "Internal Server Error"
    assert b"secret" not in answer.data
