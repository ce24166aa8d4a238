"""A live instance of AWS on this machine on a port of its own, images to release on it, and a steady load."""

import io
import json
import os
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import boto3
import docker
import pytest
from docker.errors import ImageNotFound

from infra import local

REGION = "eu-north-1"
TEMPLATES = Path(__file__).resolve().parents[4] / "infra" / "templates"
BASE_IMAGE = "cutover-test-base"
PATIENCE, POLL = 60.0, 0.05
SESSION = uuid.uuid4().hex  # makes the images ours alone: another run of these tests removes its own

# A service that ends at once on SIGTERM: whoever is not drained first loses requests.
SERVICE = """
import http.server, json, os, signal, socketserver, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
COLOUR = os.environ["COLOUR"]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        broken = COLOUR == "broken" and self.path == "/health"
        time.sleep(3 if self.path == "/slow" else 0)
        body = json.dumps({"colour": COLOUR, "digest": os.environ.get("APP_IMAGE_DIGEST", "")}).encode()
        status = 500 if broken else 200
        self.wfile.write(b"HTTP/1.1 %d X\\r\\nContent-Length: %d\\r\\n\\r\\n" % (status, len(body)) + body)
    def log_message(self, *_): pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads, request_queue_size = True, 128
Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
HEALTH_CHECK = """
import os, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{os.environ['PORT']}{os.environ['HEALTH_PATH']}", timeout=2)
"""
DOCKERFILE = """
FROM {base}
COPY service.py healthcheck.py /opt/cutover/
COPY python /venv/bin/python
ENV COLOUR={colour}
LABEL session={session}
USER 10001
CMD ["/usr/bin/python3", "/opt/cutover/service.py"]
"""


def await_condition(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true value of the condition, within a bound."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(POLL)
    raise AssertionError(f"{what} did not happen within {patience} s")


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """`wait_for(condition, what)`."""
    return await_condition


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """`free_port()`: a port that nobody listens on."""
    return find_port


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Instance:
    """A live instance and clients for it."""

    port: int
    docker: docker.DockerClient

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **keys)

    def template(self, concern: str) -> str:
        return Path(self.template_path(concern)).read_text()

    @staticmethod
    def template_path(concern: str) -> str:
        return str(TEMPLATES / f"{concern}.yaml")

    def listeners(self) -> dict[int, str]:
        """Listener port to URL."""
        status = local.status(self.port)
        assert status is not None
        return {each.port: each.url for balancer in status.load_balancers for each in balancer.listeners}

    def url(self, listener: int) -> str:
        return self.listeners()[listener]

    def containers(self) -> list[Any]:
        label = {"label": f"cutover.local={self.port}"}
        return list(self.docker.containers.list(all=True, filters=label, ignore_removed=True))

    def apply(self, stack: str, template: str, kind: str = "CREATE", **parameters: str) -> list[dict[str, Any]]:
        """Create and execute a change set; gives its changes. Does not wait for the stack."""
        cloudformation = self.client("cloudformation")
        name = f"change-{time.time_ns()}"
        cloudformation.create_change_set(
            StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=template,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )  # fmt: skip
        waiter = cloudformation.get_waiter("change_set_create_complete")
        waiter.wait(StackName=stack, ChangeSetName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        changes = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)["Changes"]
        cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
        return [change["ResourceChange"] for change in changes]

    def stack_status(self, stack: str) -> str:
        status: str = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        return status

    def settle(self, stack: str) -> str:
        """Wait for the end of the stack's operation; gives its status."""
        await_condition(lambda: not self.stack_status(stack).endswith("IN_PROGRESS"), f"the end of {stack}")
        return self.stack_status(stack)

    def failures(self, stack: str) -> list[str]:
        """Reasons of the stack's failed resources."""
        events = self.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
        return [f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed]


@pytest.fixture(scope="session")
def docker_client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def state_home() -> Iterator[Path]:
    """A state directory of the tests' own, with a path short enough for sockets."""
    before = os.environ.get("XDG_STATE_HOME")
    with tempfile.TemporaryDirectory(prefix="cutover-") as directory:
        os.environ["XDG_STATE_HOME"] = directory
        yield Path(directory)
    os.environ.pop("XDG_STATE_HOME")
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before


@pytest.fixture(scope="session")
def instance_type() -> type[Instance]:
    """`instance_type(port, docker_client)`: clients for an instance of the test's own."""
    return Instance


@pytest.fixture(scope="session")
def instance(state_home: Path, docker_client: docker.DockerClient) -> Iterator[Instance]:
    """An instance whose minutes last a second."""
    port = find_port()
    local.up(port, 1.0, lambda text: None)
    yield Instance(port, docker_client)
    local.down(port)


@pytest.fixture(scope="session")
def base_image(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian with Python, made once and kept between runs."""
    try:
        docker_client.images.get(BASE_IMAGE)
    except ImageNotFound:
        root = tmp_path_factory.mktemp("base") / "root.tar"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "--include=python3", "trixie", str(root)], check=True)
        docker_client.api.import_image_from_file(str(root), repository=BASE_IMAGE, tag="latest")
    return BASE_IMAGE


@pytest.fixture(scope="session")
def build(docker_client: docker.DockerClient, base_image: str) -> Iterator[Callable[[str], str]]:
    """Builds an image that serves a colour; gives its id. They are removed at the end."""
    built: list[str] = []

    def build_colour(colour: str) -> str:
        image, _ = docker_client.images.build(fileobj=_context(base_image, colour), custom_context=True, rm=True)
        built.append(str(image.id))
        return str(image.id)

    yield build_colour
    for image_id in set(built):
        docker_client.images.remove(image_id, force=True)


def _context(base: str, colour: str) -> io.BytesIO:
    files = {
        "Dockerfile": DOCKERFILE.format(base=base, colour=colour, session=SESSION),
        "service.py": SERVICE,
        "healthcheck.py": HEALTH_CHECK,
        "python": '#!/bin/sh\nexec /usr/bin/python3 "$@"\n',
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    archive.seek(0)
    return archive


@pytest.fixture(scope="session")
def push(instance: Instance, build: Callable[[str], str]) -> Callable[[str, str], str]:
    """Pushes a colour's image under a tag to the repository `cutover`; gives its digest."""

    def push_colour(colour: str, tag: str) -> str:
        image = instance.docker.images.get(build(colour))
        repository = f"localhost:{instance.port}/cutover"
        image.tag(repository, tag)
        lines = list(instance.docker.api.push(repository, tag, stream=True, decode=True))
        errors = [line["error"] for line in lines if "error" in line]
        if errors:
            raise RuntimeError(errors[0])
        digest: str = next(line["aux"]["Digest"] for line in lines if "aux" in line)
        return digest

    return push_colour


@dataclass
class Load:
    """Requests at a steady rate over keep-alive connections, until `stop`."""

    url: str
    connections: int = 10
    rate: float = 10.0
    sent: int = 0
    failed: list[str] = field(default_factory=list)
    colours: dict[str, int] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> "Load":
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.connections)]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        host = urllib.parse.urlsplit(self.url).netloc
        connection = HTTPConnection(host, timeout=10)
        due = time.monotonic()
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            due += 1 / self.rate
            self._request(connection)
        connection.close()

    def _request(self, connection: HTTPConnection) -> None:
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            body = answer.read()
            failure = None if answer.status == 200 else f"{answer.status}"
        except (OSError, HTTPException) as error:
            connection.close()
            failure, body = repr(error), b""
        with self._lock:
            self.sent += 1
            if failure is not None:
                self.failed.append(failure)
            else:
                colour = json.loads(body)["colour"]
                self.colours[colour] = self.colours.get(colour, 0) + 1


@pytest.fixture
def load() -> Iterator[Callable[[str], Load]]:
    """Starts a load on a URL; it is stopped at the latest when the test ends."""
    started: list[Load] = []

    def start(url: str) -> Load:
        started.append(Load(url).start())
        return started[-1]

    yield start
    for each in started:
        each.stop()
