"""Faults: which call meets which, what the admin endpoint takes, and the client against a server of its own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.local.faults import Fault, FaultBook, FaultClient, FaultRefused, api


class TestBook:
    def test_only_the_nth_call_meets_the_fault(self) -> None:
        book = FaultBook()
        fault = Fault("ecs", "UpdateService", "throttle", nth=2)
        book.order(fault)

        assert [book.meet("ecs", "UpdateService") for _ in range(4)] == [None, fault, None, None]

    def test_count_makes_it_several_calls_in_a_row(self) -> None:
        book = FaultBook()
        book.order(Fault("ecs", "*", "throttle", nth=2, count=2))

        met = [book.meet("ecs", name) is not None for name in ("A", "B", "C", "D")]

        assert met == [False, True, True, False]

    def test_calls_of_another_operation_or_service_do_not_count(self) -> None:
        book = FaultBook()
        order = book.order(Fault("ecs", "UpdateService", "fail"))

        assert book.meet("ecs", "CreateService") is None
        assert book.meet("ecr", "UpdateService") is None
        assert (order.seen, order.met) == (0, 0)

    def test_the_older_order_comes_first_and_both_count(self) -> None:
        book = FaultBook()
        first, second = Fault("ecs", "*", "lose"), Fault("ecs", "*", "delay", nth=2)
        book.order(first)
        book.order(second)

        assert [book.meet("ecs", "X"), book.meet("ecs", "X")] == [first, second]

    def test_a_cancelled_order_is_met_by_nobody(self) -> None:
        book = FaultBook()
        number = book.order(Fault("ecs", "*", "fail")).id

        assert book.cancel(number) == 1
        assert book.meet("ecs", "X") is None

    @pytest.mark.parametrize(
        ("service", "error"),
        [
            ("ecs", ("ThrottlingException", "Rate exceeded", 400)),
            ("cloudformation", ("Throttling", "Rate exceeded", 400)),
            ("s3", ("SlowDown", "Rate exceeded", 503)),
        ],
    )
    def test_each_service_throttles_in_its_own_words(self, service: str, error: tuple[str, str, int]) -> None:
        assert Fault(service, "*", "throttle").error(service) == error

    def test_a_failure_is_what_was_ordered(self) -> None:
        fault = Fault("ecs", "*", "fail", code="ServerException", message="no", status=500)

        assert fault.error("ecs") == ("ServerException", "no", 500)

    @pytest.mark.parametrize("kind", ["delay", "lose"])
    def test_a_delayed_or_lost_call_is_carried_out(self, kind: str) -> None:
        assert Fault("ecs", "*", kind).error("ecs") is None


class TestEndpoint:
    def order(self, book: FaultBook, document: Any, content_type: str = "application/json") -> tuple[str, Any]:
        return api.answer(book, "POST", api.PATH, content_type, json.dumps(document).encode())

    def test_an_order_is_taken_listed_and_taken_back(self) -> None:
        book = FaultBook()

        status, made = self.order(book, {"service": "ecs", "operation": "*", "kind": "delay", "seconds": 2})

        assert (status, made["id"], made["seconds"], made["seen"]) == ("201 Created", 1, 2, 0)
        assert api.answer(book, "GET", api.PATH, "", b"")[1] == {"faults": [made]}
        assert api.answer(book, "DELETE", f"{api.PATH}/1", "", b"")[1] == {"cancelled": 1}

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            (
                {"service": "ecs", "operation": "*", "kind": "explode"},
                "it has to be one of throttle, fail, delay, lose",
            ),
            ({"service": "ecs", "kind": "fail"}, "operation"),
            ({"service": "ecs", "operation": "*", "kind": "fail", "nth": 0}, "begin at 1"),
            ({"service": "ecs", "operation": "*", "kind": "delay", "seconds": -1}, "between 0 and 600"),
            ({"service": "ecs", "operation": "*", "kind": "fail", "colour": 1}, "colour"),
            ([], "JSON object"),
        ],
    )
    def test_a_wrong_order_is_refused_in_a_sentence(self, document: Any, words: str) -> None:
        status, answer = self.order(FaultBook(), document)

        assert status == "400 Bad Request"
        assert words in answer["message"]

    def test_what_is_no_json_is_refused(self) -> None:
        assert api.answer(FaultBook(), "POST", api.PATH, "application/json", b"{")[0] == "400 Bad Request"

    def test_a_form_of_some_web_page_is_refused(self) -> None:
        assert self.order(FaultBook(), {}, "text/plain")[0] == "415 Unsupported Media Type"

    def test_other_methods_are_named(self) -> None:
        status, answer = api.answer(FaultBook(), "PATCH", api.PATH, "", b"")

        assert status == "405 Method Not Allowed"
        assert "PATCH" in answer["message"]


@pytest.fixture
def client() -> Iterator[FaultClient]:
    """A client of a server that has a book of faults and one recorded call."""
    book = FaultBook()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/_cutover/calls":
                status, document = "200 OK", {"calls": [{"operation": "ListClusters"}], "forgotten": 1}
            else:
                status, document = api.answer(book, self.command, self.path, self.headers.get("Content-Type", ""), body)
            self.send_response(int(status[:3]))
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield FaultClient(f"http://127.0.0.1:{server.server_address[1]}/")
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_client_orders_reads_and_cancels(client: FaultClient) -> None:
    number = client.order(Fault("ecs", "UpdateService", "lose"))

    assert [(each["id"], each["kind"]) for each in client.faults()] == [(number, "lose")]
    client.cancel(number)
    assert client.faults() == []


def test_the_client_raises_what_the_server_refuses(client: FaultClient) -> None:
    fault = Fault("ecs", "*", "fail")
    object.__setattr__(fault, "nth", 0)  # as an older client might

    with pytest.raises(FaultRefused, match="begin at 1"):
        client.order(fault)


def test_the_client_reads_and_forgets_the_recorded_calls(client: FaultClient) -> None:
    assert client.calls() == [{"operation": "ListClusters"}]
    client.forget_calls()
