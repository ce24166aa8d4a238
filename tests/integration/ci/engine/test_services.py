"""Services: containers and ports of the host that a step reaches by name, and what is left of a call."""

import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import docker
import pytest

pytestmark = pytest.mark.docker
SECONDS = 60.0  # that anything may take

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


def fetched(address: str) -> str:
    """What a web server says, asked from this machine."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://{address}", timeout=SECONDS) as page:
        return str(page.read().decode())


@pytest.mark.parametrize("kill", ["false", "true"])
def test_a_tunnel_brings_a_service_to_this_machine_until_it_is_stopped(engine: Any, kill: str) -> None:
    service = engine.get(HTTP)
    tunnel = engine.get("query($s:ID!){host{tunnel(service:$s){id}}}", s=service)
    on = "query($t:ID!){node(id:$t){...on Service{%s}}}"
    engine.get(on % "start", t=tunnel)
    address = engine.get(on % "endpoint", t=tunnel)
    assert fetched(address) == "served"
    engine.get(on % f"stop(kill:{kill})", t=tunnel)
    engine.get(on % f"stop(kill:{kill})", t=service)
    with pytest.raises(OSError, match="refused"):
        fetched(address)
    assert [row["State"] for row in containers(engine)] in ([], ["exited"])


def containers(engine: Any) -> list[Any]:
    """The containers of the session's call, also those that ended."""
    wanted = {"label": f"cutover.call={engine.session.id}"}
    found: list[Any] = engine.session.docker().api.containers(all=True, filters=wanted)
    return found


def test_up_serves_on_this_machine_until_the_call_ends(open_engine: Any, tmp_path: Path) -> None:
    answers: list[Any] = []
    with open_engine() as engine:
        query = "{" + SERVE % 'asService(args:["python","-m","http.server","8000"]){up(random:true)}' + "}"
        thread = threading.Thread(target=lambda: answers.append(engine.answer(query)))
        thread.start()
        address = _shown(tmp_path / "progress")
        assert fetched(address) == "served"
    thread.join(SECONDS)
    assert answers
    with pytest.raises(OSError, match="refused"):
        fetched(address)


def _shown(progress: Path) -> str:
    """The address that `up` says it serves on."""
    until = time.monotonic() + SECONDS
    while not (found := re.search(r"serving on http://(\S+)", progress.read_text(encoding="utf-8"))):
        assert time.monotonic() < until, "nothing is served"
        time.sleep(0.05)
    return found[1]
