"""Tasks in Docker, with the client faked."""

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound, NotFound

from infra.local.ecs.interfaces import ContainerSpec, ContainerState, HealthCheck, TaskFailedToStart, VolumeMount
from infra.local.runtime.docker import DockerRuntime, labels, log_lines, make_network, network_name, remove_all
from infra.local.runtime.images import digest_of, local_reference

PORT = 4599
ECR = "123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover@sha256:01"


@pytest.mark.parametrize(
    ("image", "local"),
    [
        (ECR, "localhost:4599/cutover@sha256:01"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b:1", "localhost:4599/a/b:1"),
        ("debian:trixie", "debian:trixie"),
        ("localhost:5000/x", "localhost:5000/x"),
    ],
)
def test_an_ecr_address_is_that_of_the_local_registry(image: str, local: str) -> None:
    assert local_reference(image, PORT) == local


def test_a_digest_is_read_off_the_reference() -> None:
    assert (digest_of(ECR), digest_of("debian:trixie")) == ("sha256:01", None)


class FakeContainer:
    def __init__(self, log: list[str], fails: bool) -> None:
        self.log, self.fails = log, fails
        self.id = "c1"
        networks = {network_name(PORT): {"IPAddress": "172.20.0.2"}}
        self.attrs = {"NetworkSettings": {"Networks": networks}, "State": {"ExitCode": 143}}

    def start(self) -> None:
        self.log.append("start")
        if self.fails:
            raise APIError("x", explanation="exec format error")

    def reload(self) -> None:
        """The attributes are there already."""

    def remove(self, **_: Any) -> None:
        self.log.append("remove")


class FakeDocker:
    """The part of docker's client that the runtime uses."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.fails = self.missing = self.unpullable = self.uncreatable = False
        self.created: dict[str, Any] = {}
        self.entries: list[dict[str, str]] = []
        self.known = {"c1"}
        self.containers = SimpleNamespace(create=self.create, get=self.get, list=lambda **_: [self.container()])
        self.images = SimpleNamespace(get=self.image, pull=self.pull, remove=self.untag)
        self.networks = SimpleNamespace(create=self.network, list=lambda **_: [])
        self.volumes = SimpleNamespace(list=lambda **_: [])
        self.out_of_memory = False
        self.api = SimpleNamespace(
            containers=lambda **_: self.entries, images=lambda: [], stop=self.stop, remove_container=self.remove,
            remove_volume=self.remove_volume, inspect_container=lambda _: {"State": {"OOMKilled": self.out_of_memory}},
        )  # fmt: skip

    def container(self) -> FakeContainer:
        return FakeContainer(self.log, self.fails)

    def image(self, reference: str) -> SimpleNamespace:
        if self.missing:
            raise ImageNotFound("x")
        return SimpleNamespace(id="sha256:02", attrs={})

    def pull(self, reference: str) -> None:
        self.log.append(f"pull {reference}")
        if self.unpullable:
            raise APIError("x", explanation="manifest unknown")

    def untag(self, name: str) -> None:
        self.log.append(f"untag {name}")
        if name.endswith("used"):
            raise APIError("x", explanation="in use")

    def create(self, image: str, **options: Any) -> FakeContainer:
        if self.uncreatable:
            raise APIError("x", explanation="no such user")
        self.created = {"image": image, **options}
        return self.container()

    def get(self, runtime_id: str) -> FakeContainer:
        if runtime_id not in self.known:
            raise NotFound("x")
        return self.container()

    def remove(self, container: str, **_: Any) -> None:
        if container not in self.known:
            raise NotFound("x")
        self.log.append(f"remove {container}")

    def remove_volume(self, name: str, **_: Any) -> None:
        if name != "v1":
            raise NotFound("x")
        self.log.append(f"remove volume {name}")

    def stop(self, runtime_id: str, timeout: int) -> None:
        if runtime_id not in self.known:
            raise NotFound("x")
        self.log.append(f"stop {timeout}")

    def network(self, name: str, **options: Any) -> None:
        self.log.append(f"network {name} {options['labels']}")


@pytest.fixture
def client() -> FakeDocker:
    return FakeDocker()


@pytest.fixture
def runtime(client: FakeDocker) -> DockerRuntime:
    fake: Any = client
    return DockerRuntime(fake, PORT)


def spec(**changes: Any) -> ContainerSpec:
    return ContainerSpec(name="demo-1", image=ECR, labels={"a": "b"}, **changes)


def test_a_container_is_made_as_the_task_asks(client: FakeDocker, runtime: DockerRuntime) -> None:
    check = HealthCheck(("CMD", "check"), interval=5, timeout=2, retries=3, start_period=1)

    started = runtime.start(
        spec(
            environment={"PORT": "1"}, entry_point=("/init",), command=("serve",), user="10001",
            working_directory="/srv", read_only=True, cpu=256, memory=512, health_check=check,
        )
    )  # fmt: skip

    assert (started.runtime_id, started.ip, started.image_digest) == ("c1", "172.20.0.2", "sha256:01")
    made = client.created
    assert (made["image"], made["network"]) == ("localhost:4599/cutover@sha256:01", "cutover-local-4599")
    assert made["labels"] == {"cutover": "1", "cutover.local": "4599", "a": "b"}
    assert (made["entrypoint"], made["command"], made["working_dir"]) == (["/init"], ["serve"], "/srv")
    assert (made["user"], made["read_only"], made["environment"]) == ("10001", True, {"PORT": "1"})
    assert (made["nano_cpus"], made["mem_limit"]) == (250_000_000, 512 * 1024 * 1024)
    assert made["healthcheck"] == {
        "test": ["CMD", "check"],
        "interval": 5_000_000_000,
        "timeout": 2_000_000_000,
        "retries": 3,
        "start_period": 1_000_000_000,
    }


def test_what_the_task_does_not_ask_for_is_left_to_the_image(client: FakeDocker, runtime: DockerRuntime) -> None:
    runtime.start(spec())

    assert not {"entrypoint", "command", "nano_cpus", "mem_limit", "healthcheck"} & set(client.created)


def test_an_image_that_is_not_here_is_pulled_by_its_digest(client: FakeDocker, runtime: DockerRuntime) -> None:
    client.missing = True

    runtime.start(spec())

    assert client.log == ["pull localhost:4599/cutover@sha256:01", "start"]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("unpullable", "CannotPullContainerError: manifest unknown"),
        ("uncreatable", "CannotCreateContainerError: no such user"),
        ("fails", "CannotStartContainerError: exec format error"),
    ],
)
def test_a_task_that_cannot_start_says_why_in_ecss_words(
    client: FakeDocker, runtime: DockerRuntime, trouble: str, reason: str
) -> None:
    client.missing = True
    setattr(client, trouble, True)

    with pytest.raises(TaskFailedToStart, match=reason):
        runtime.start(spec())


def test_a_container_that_did_not_start_is_removed(client: FakeDocker, runtime: DockerRuntime) -> None:
    client.fails = True

    with pytest.raises(TaskFailedToStart):
        runtime.start(spec())

    assert client.log == ["start", "remove"]


def test_a_stop_gives_the_timeout_to_docker_and_leaves_the_container_to_be_looked_at(
    client: FakeDocker, runtime: DockerRuntime
) -> None:
    runtime.stop("c1", 30.0)
    assert client.log == ["stop 30"]


def test_stopping_or_discarding_what_is_gone_is_no_error(client: FakeDocker, runtime: DockerRuntime) -> None:
    runtime.stop("gone", 30.0)
    runtime.discard(["gone"], ["no-volume"])

    assert client.log == []


def test_what_is_discarded_is_removed_with_its_volumes(client: FakeDocker, runtime: DockerRuntime) -> None:
    runtime.discard(["c1"], ["v1"])

    assert client.log == ["remove c1", "remove volume v1"]


def test_a_container_can_join_the_network_of_another(client: FakeDocker, runtime: DockerRuntime) -> None:
    started = runtime.start(spec(joins="c0"))

    assert started.ip == ""
    assert client.created["network_mode"] == "container:c0"
    assert "network" not in client.created


def test_the_network_of_a_task_is_held_by_a_container_that_does_nothing(
    client: FakeDocker, runtime: DockerRuntime
) -> None:
    held = runtime.hold("demo-network", {"a": "b"})

    assert held.ip == "172.20.0.2"
    assert client.created["image"] == "localhost:4599/cutover/pause:1"


def test_volumes_limits_and_further_options_are_handed_on(client: FakeDocker, runtime: DockerRuntime) -> None:
    ulimits = [{"name": "nofile", "softLimit": 10, "hardLimit": 20}]
    mounts = (VolumeMount("ecs-1-data", "/data", read_only=True),)

    runtime.start(spec(mounts=mounts, memory_reservation=8, options={"init": True, "ulimits": ulimits}))

    (mount,) = client.created["mounts"]
    assert (mount["Target"], mount["Source"], mount["ReadOnly"]) == ("/data", "ecs-1-data", True)
    assert (client.created["mem_reservation"], client.created["init"]) == (8 * 1024 * 1024, True)
    assert (client.created["ulimits"][0]["Soft"], client.created["ulimits"][0]["Hard"]) == (10, 20)


def test_a_container_that_was_killed_for_its_memory_is_known(client: FakeDocker, runtime: DockerRuntime) -> None:
    client.entries = [{"Id": "c1", "State": "exited", "Status": "Exited (137) 2 seconds ago"}]
    client.out_of_memory = True

    assert runtime.states()["c1"].out_of_memory


def test_lines_of_a_log_come_with_their_times_and_long_ones_whole() -> None:
    stamp = b"2026-11-25T20:00:00.500000000Z "
    chunks = [stamp + b"one\n", stamp + b"two, ", stamp + b"the rest\n", stamp + b"no end"]

    lines = list(log_lines(iter(chunks)))

    assert [text for _, text in lines] == ["one", "two, the rest", "no end"]
    assert {at % 60 for at, _ in lines} == {0.5}


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("running", "Up 3 seconds", ContainerState(True)),
        ("running", "Up 3 seconds (healthy)", ContainerState(True, "HEALTHY")),
        ("running", "Up 3 seconds (unhealthy)", ContainerState(True, "UNHEALTHY")),
        ("running", "Up 1 second (health: starting)", ContainerState(True)),
        ("exited", "Exited (137) 2 seconds ago", ContainerState(False, exit_code=137)),
        ("dead", "Dead", ContainerState(False)),
    ],
)
def test_states_are_read_from_what_docker_lists(
    client: FakeDocker, runtime: DockerRuntime, state: str, status: str, expected: ContainerState
) -> None:
    client.entries = [{"Id": "c1", "State": state, "Status": status}]

    assert runtime.states() == {"c1": expected}


def test_everything_is_made_under_the_instances_labels(client: FakeDocker) -> None:
    fake: Any = client
    make_network(fake, PORT)

    assert client.log == [f"network cutover-local-4599 {labels(PORT)}"]


def test_removing_takes_containers_and_the_names_of_images_of_the_lost_registry(client: FakeDocker) -> None:
    fake: Any = client
    pulled = {
        "RepoTags": ["localhost:4599/cutover:1", "mine:1"],
        "RepoDigests": ["localhost:4599/cutover@sha256:1", "localhost:4599/used"],
    }
    client.api.images = lambda: [pulled, {"RepoTags": None, "RepoDigests": None}]

    assert remove_all(fake, PORT) == 1

    assert client.log == [
        "remove",
        "untag localhost:4599/cutover:1",
        "untag localhost:4599/cutover@sha256:1",
        "untag localhost:4599/used",
    ]
