"""Services: containers and ports of the host that a step reaches by name, and what is left of a call."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest

pytestmark = pytest.mark.docker

FETCH = "import urllib.request as r; print(r.build_opener(r.ProxyHandler({})).open('http://%s').read().decode())"
SERVE = (
    'container{from(address:"python:3.13-slim"){withWorkdir(path:"/www"){withNewFile(path:"index.html",contents:"served"){'
    "withExposedPort(port:8000){%s}}}}}"
)
HTTP = "{" + SERVE % 'asService(args:["python","-m","http.server","8000"]){id}' + "}"
BOUND = 'withServiceBinding(alias:"%s",service:$s){%%s}'


def test_a_step_reaches_a_service_by_its_alias(engine: Any) -> None:
    service = engine.get(HTTP)
    assert engine.python(FETCH % "web:8000/", BOUND % "web", s=service) == "served\n"


def test_a_service_is_started_once_and_the_step_bound_to_it_is_kept(open_engine: Any) -> None:
    with open_engine() as engine:
        service = engine.get(HTTP)
        for alias in ("one", "two"):
            engine.python(FETCH % f"{alias}:8000/", BOUND % alias, s=service)
        labels = engine.session.docker().labels
        running = engine.session.docker().api.containers(filters={"label": f"cutover.call={labels['cutover.call']}"})
        assert len(running) == 1
    with open_engine() as engine:
        assert engine.python(FETCH % "one:8000/", BOUND % "one", s=engine.get(HTTP)) == "served\n"
        assert engine.created == 0


def test_a_service_that_ends_before_it_answers_says_what_it_printed(engine: Any) -> None:
    broken = SERVE % 'asService(args:["sh","-c","echo no luck >&2; exit 1"]){id}'
    service = engine.get("{" + broken + "}")
    query = (
        'query($s:ID!){container{from(address:"python:3.13-slim"){'
        'withServiceBinding(alias:"x",service:$s){withExec(args:["true"]){sync}}}}}'
    )
    (row,) = engine.answer(query, s=service)["errors"]
    assert row["message"].startswith("exited: exit code: 1\noutput: ")
    assert "no luck" in row["message"]


def test_a_service_sees_what_is_mounted(engine: Any) -> None:
    source = engine.get('{directory{withNewFile(path:"mounted.html",contents:"from the mount"){id}}}')
    fields = 'withMountedDirectory(path:"/www",source:$m){asService(args:["python","-m","http.server","8000"]){id}}'
    service = engine.get("query($m:ID!){" + SERVE % fields + "}", m=source)
    assert engine.python(FETCH % "web:8000/mounted.html", BOUND % "web", s=service) == "from the mount\n"


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello {self.headers['Host']}".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def host_port() -> Iterator[int]:
    """A web server on loopback of this host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_step_reaches_a_port_of_the_host_by_its_alias(engine: Any, host_port: int) -> None:
    ports = [{"frontend": host_port, "backend": host_port}]
    service = engine.get('query($p:[PortForward!]!){host{service(host:"127.0.0.1",ports:$p){id}}}', p=ports)
    assert engine.python(FETCH % f"aws:{host_port}/", BOUND % "aws", s=service) == f"hello aws:{host_port}\n"


def test_a_closed_session_leaves_no_container_and_no_network(open_engine: Any) -> None:
    with open_engine() as engine:
        engine.python(FETCH % "web:8000/?left", BOUND % "web", s=engine.get(HTTP))
        label = f"cutover.call={engine.session.id}"
    client = docker.APIClient(**docker.utils.kwargs_from_env())
    assert client.containers(all=True, filters={"label": label}) == []
    assert client.networks(filters={"label": label}) == []
    client.close()


def test_a_session_that_breaks_off_leaves_nothing_either(open_engine: Any) -> None:
    label = ""
    with pytest.raises(KeyboardInterrupt), open_engine() as engine:
        engine.session.services.address(engine.session.nodes.get(engine.get(HTTP)), engine.session.evaluator)
        label = f"cutover.call={engine.session.id}"
        raise KeyboardInterrupt
    client = docker.APIClient(**docker.utils.kwargs_from_env())
    assert client.containers(all=True, filters={"label": label}) == []
    assert client.networks(filters={"label": label}) == []
    client.close()
