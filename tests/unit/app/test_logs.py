"""The line a request leaves, and the id it carries."""

import json
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from app.logs import request_id


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The log lines since the last look."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_request_leaves_one_line(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    """With who asked what, how it ended, how long it took, and which version answered."""
    client.get("/", headers={"X-Request-Id": "r-1", "User-Agent": "probe/1", "X-Forwarded-For": "192.0.2.7"})
    (line,) = lines(capsys)
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line.pop("duration_ms") >= 0
    assert line.pop("bytes") > 0
    assert line == {
        "level": "info",
        "request_id": "r-1",
        "method": "GET",
        "path": "/",
        "status": 200,
        "client": "127.0.0.1",
        "forwarded_for": "192.0.2.7",
        "user_agent": "probe/1",
        "version": "1.2.3",
    }


def test_requests_that_fail_leave_a_line_too(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """404 as information, 500 as an error."""

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError

    client = app.test_client()
    client.get("/nowhere")
    client.get("/broken")
    assert [(line["status"], line["level"]) for line in lines(capsys)] == [(404, "info"), (500, "error")]


def test_line_breaks_of_a_client_stay_inside_the_line(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON escapes them, so nobody can forge a line."""
    client.get("/a%0Ab")
    assert [line["path"] for line in lines(capsys)] == ["/a\nb"]


def test_the_id_comes_back(client: FlaskClient) -> None:
    """Given or made, the answer carries it in X-Request-Id."""
    assert client.get("/", headers={"X-Request-Id": "r-1"}).headers["X-Request-Id"] == "r-1"
    assert len(client.get("/").headers["X-Request-Id"]) == 32


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Request-Id": "r-1", "X-Amzn-Trace-Id": "Root=1-a-b"}, "r-1"),
        ({"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"}, "Root=1-67891233-abcdef012345678912345678"),
        ({"X-Request-Id": "two words", "X-Amzn-Trace-Id": "Root=1-a-b"}, "Root=1-a-b"),
    ],
)
def test_the_id_is_taken_from_the_first_header_that_is_a_word(headers: dict[str, str], expected: str) -> None:
    """The client's own before the load balancer's."""
    assert request_id(Headers(headers)) == expected


@pytest.mark.parametrize("given", ["", "   ", "x" * 201, 'quote"', "é"])
def test_what_is_no_plain_word_is_replaced(given: str) -> None:
    """Made ids differ from each other."""
    headers = Headers({"X-Request-Id": given})
    assert len(request_id(headers)) == 32
    assert request_id(headers) != request_id(headers)
