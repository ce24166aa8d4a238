"""What `/metrics` tells."""

from flask import Flask
from flask.testing import FlaskClient

from app import Settings, create_app


def test_requests_are_counted_by_method_route_and_status(client: FlaskClient) -> None:
    """A counter and a histogram, each with the route's pattern."""
    for _ in range(3):
        client.get("/")
    text = client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/",status="200"} 3.0' in text
    assert 'http_request_duration_seconds_count{method="GET",route="/"} 3.0' in text


def test_strangers_make_no_time_series_of_their_own(client: FlaskClient) -> None:
    """Unknown paths share one label, unknown methods another, however many there are."""
    for number in range(5):
        client.get(f"/nowhere/{number}")
    client.open("/", method="BREW")
    text = client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="none",status="404"} 5.0' in text
    assert 'method="OTHER"' in text
    assert "nowhere" not in text
    assert "BREW" not in text


def test_what_runs_is_told(client: FlaskClient) -> None:
    """So that a graph can show a cut-over."""
    assert 'version="1.2.3"' in client.get("/metrics").text


def test_the_process_is_measured(client: FlaskClient) -> None:
    """Memory and processor time, as prometheus-client's own collectors name them."""
    assert "process_resident_memory_bytes" in client.get("/metrics").text


def test_the_format_follows_accept(client: FlaskClient) -> None:
    """Text by default, OpenMetrics for who asks."""
    assert client.get("/metrics").content_type.startswith("text/plain")
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.content_type.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_two_applications_share_no_numbers(app: Flask) -> None:
    """Each application has a registry of its own."""
    app.test_client().get("/")
    assert 'route="/"' not in create_app(Settings()).test_client().get("/metrics").text
