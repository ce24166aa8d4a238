"""What a real HAProxy makes of requests: rules, redirects, fixed answers, headers, HTTPS, WebSockets."""

import re
import socket
import ssl
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest

from infra.local.alb.certificates import Certificate
from infra.local.alb.conditions import read_condition
from infra.local.alb.records import Condition, FixedResponse, Redirect
from infra.local.observe.accesslog import AccessLog

ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
HIT = FixedResponse(404, "text/plain", "hit")


def condition(field: str, config: str, **values: Any) -> Condition:
    found = read_condition({"Field": field, config: values})
    assert found is not None
    return found


def path(*values: str) -> Condition:
    return condition("path-pattern", "PathPatternConfig", Values=list(values))


def query(*values: dict[str, str]) -> Condition:
    return condition("query-string", "QueryStringConfig", Values=list(values))


def source(*networks: str) -> Condition:
    return condition("source-ip", "SourceIpConfig", Values=list(networks))


def forwarded(front: Any) -> Any:
    """The headers of the last request that blue got."""
    return front.blue.seen[-1].headers


@pytest.mark.parametrize(
    ("given", "hits", "misses"),
    [
        (path("/img/*", "/?.css"), "/img/a/b /x.css /x.css?q", "/IMG/a /xx.css"),
        (query({"Key": "v", "Value": "1*"}), "/?v=12 /?a&V=1", "/?v=2 /?xv=1"),
        (query({"Value": "new"}), "/?any=new", "/?any=newer /?new=any"),
        (source("10.0.0.0/8", "127.0.0.0/8"), "/", ""),
        (source("10.0.0.0/8"), "", "/"),
    ],
)
def test_rules_match_by_path_query_and_source(front: Any, given: Condition, hits: str, misses: str) -> None:
    front.rule(HIT, given)

    assert {front.ask(each).body for each in hits.split()} <= {"hit"}
    assert {front.ask(each).body for each in misses.split()} <= {"blue"}


def test_rules_match_by_host_header_and_method(front: Any) -> None:
    front.rule(
        FixedResponse(200, "text/plain", "host"), condition("host-header", "HostHeaderConfig", Values=["*.Example.com"])
    )
    front.rule(
        FixedResponse(200, "text/plain", "header"),
        condition("http-header", "HttpHeaderConfig", HttpHeaderName="X-Beta", Values=["yes*", "on"]),
        condition("http-request-method", "HttpRequestMethodConfig", Values=["POST", "PUT"]),
    )  # fmt: skip

    assert front.ask(host="a.example.com:80").body == "host"
    assert front.ask(host="example.com").body == "blue"
    assert front.ask(method="POST", x_beta="YES please").body == "header"
    assert front.ask(method="GET", x_beta="on").body == "blue", "all conditions have to hold"
    assert front.ask(method="PUT", x_beta="off").body == "blue"


def test_a_fixed_response_is_signed_by_the_load_balancer(front: Any) -> None:
    front.rule(FixedResponse(503, "application/json", '{"of": "100%", "$x": "\\"}'))

    answer = front.ask()
    head = front.ask(method="HEAD")

    assert (answer.status, answer.body) == (503, '{"of": "100%", "$x": "\\"}')
    assert answer.headers["server"] == "awselb/2.0"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert (head.status, head.body) == (503, "")


@pytest.mark.parametrize(
    ("redirect", "asked", "location"),
    [
        (Redirect(301, protocol="HTTPS", port="443"), "/a/b?x=1", "HTTPS://here:443/a/b?x=1"),
        (Redirect(302, protocol="https", port="443"), "/a", "https://here:443/a"),
        (Redirect(302, host="www.#{host}", path="/v2/#{path}", query="from=#{path}&#{query}"), "/a?b",
         "http://www.here:80/v2/a?from=a&b"),
        (Redirect(302, path="/50%25", query=""), "/a?b", "http://here:80/50%25"),
    ],
)  # fmt: skip
def test_a_redirect_fills_in_what_the_request_has(front: Any, redirect: Redirect, asked: str, location: str) -> None:
    front.rule(redirect)

    answer = front.ask(asked, host="here:8080")

    assert (answer.status, answer.headers["location"]) == (redirect.status, location)
    assert f"<h1>{redirect.status} " in answer.body


def test_a_target_learns_who_asked_and_how(front: Any) -> None:
    front.ask()
    plain = forwarded(front)
    front.ask(x_forwarded_for="203.0.113.9")
    appended = forwarded(front)

    assert plain["X-Forwarded-For"] == "127.0.0.1"
    assert (plain["X-Forwarded-Proto"], plain["X-Forwarded-Port"]) == ("http", "80")
    assert appended["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"


@pytest.mark.parametrize(("mode", "expected"), [("preserve", "203.0.113.9"), ("remove", None)])
def test_x_forwarded_for_is_treated_as_the_attribute_says(front: Any, mode: str, expected: str | None) -> None:
    front.settings = replace(front.settings, xff_mode=mode)
    front.plane.sync()

    front.ask(x_forwarded_for="203.0.113.9")

    assert forwarded(front)["X-Forwarded-For"] == expected


def test_a_trace_gets_a_root_and_on_its_way_on_a_self(front: Any) -> None:
    front.ask()
    root = forwarded(front)["X-Amzn-Trace-Id"]
    front.ask(x_amzn_trace_id=f"Self=1-0-0;{root};CalledFrom=app")
    extended = forwarded(front)["X-Amzn-Trace-Id"]
    front.ask(x_amzn_trace_id="CalledFrom=app")
    rooted = forwarded(front)["X-Amzn-Trace-Id"]

    assert ID.fullmatch(root.removeprefix("Root="))
    self_, _, rest = extended.partition(";")
    assert ID.fullmatch(self_.removeprefix("Self=")), extended
    assert rest == f"{root};CalledFrom=app"
    assert re.fullmatch(rf"Root={ID.pattern};CalledFrom=app", rooted)


def test_what_comes_through_the_one_port_and_an_old_worker_is_told_of_the_client_once(front: Any) -> None:
    connection = HTTPConnection("127.0.0.1", front.gateway, timeout=10)
    for _ in range(2):
        connection.request("GET", "/", headers={"Host": "lb.elb:80"})
        assert connection.getresponse().read() == b"blue"
        assert forwarded(front)["X-Forwarded-For"] == "127.0.0.1"
        assert forwarded(front)["X-Amzn-Trace-Id"].count("Root=1-") == 1
        front.reload()
    connection.close()


def test_a_connection_older_than_the_client_keep_alive_is_closed_after_its_answer(front: Any) -> None:
    front.settings = replace(front.settings, client_keep_alive=0)
    front.plane.sync()

    assert front.ask().headers["connection"] == "close"


def test_an_overlong_url_is_414_and_64_kilobytes_of_headers_pass(front: Any) -> None:
    assert front.ask("/" + "a" * 16400).status == 414
    assert front.ask(**{f"x{number}": "v" * 15000 for number in range(4)}).body == "blue"


def test_chunked_bodies_and_100_continue_pass(front: Any) -> None:
    connection = front.connect()
    connection.request(
        "POST", "/", body=iter([b"one ", b"two"]), headers={"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    status = connection.getresponse().status
    connection.close()
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        first = raw.recv(1000)
        raw.sendall(b"hi")
        rest = raw.makefile("rb").readline() if b"100" in first else first

    assert status == 200
    assert (first.split()[1], rest.split()[1] if rest.strip() else b"200") == (b"100", b"200")


def test_a_websocket_is_passed_through(front: Any) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as raw:
        raw.sendall(b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")  # fmt: skip
        stream = raw.makefile("rb")
        status = stream.readline().split()[1]
        while stream.readline().strip():
            pass
        raw.sendall(b"ping\n")

        assert (status, stream.readline()) == (b"101", b"ping\n")


def test_https_answers_with_the_certificate_that_the_client_names(front: Any) -> None:
    front.issued.update({"arn:c/a": Certificate(("a.example.com",)), "arn:c/b": Certificate(("*.b.example.com",))})
    front.tls = True
    front.plane.sync()
    context = ssl.create_default_context(cafile=str(front.certificates.authority))
    names = {}
    for host in ("a.example.com", "x.b.example.com", "localhost"):
        with (socket.create_connection(("127.0.0.1", front.tls_port), timeout=10) as raw,
              context.wrap_socket(raw, server_hostname=host) as secure):  # fmt: skip
            secure.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host.encode())
            assert secure.makefile("rb").read().endswith(b"blue")
            names[host] = secure.getpeercert()["subjectAltName"][0][1]  # type: ignore[index]

    assert names == {
        "a.example.com": "a.example.com",
        "x.b.example.com": "*.b.example.com",
        "localhost": "a.example.com",
    }
    assert forwarded(front)["X-Forwarded-Proto"] == "https"


def test_each_request_is_told_to_the_log_with_what_metrics_need(front: Any) -> None:
    front.log.settimeout(5)
    front.ask("/status/404")
    front.ask("/cut")

    log = AccessLog()
    for _ in range(2):
        log.add(front.log.recv(2000).decode())

    ((_, tally),) = log.take().items()
    assert (tally.chosen, dict(tally.target), dict(tally.own)) == (2, {404: 1}, {502: 1})
    assert tally.seconds.number == 1
    assert tally.seconds.low > 0
