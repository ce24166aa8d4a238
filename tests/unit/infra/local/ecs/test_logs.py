"""The log driver `awslogs`: a container's lines in CloudWatch Logs, in their order, each once."""

import queue
from collections.abc import Iterator, Sequence

import pytest

from infra.local.ecs.interfaces import LogTarget, TaskFailedToStart
from infra.local.ecs.logs import AwsLogs, LogRefused

TARGET = LogTarget("eu-north-1", "/demo", "app/app/1")
END: tuple[float, str] = (0.0, "")


class FakeService:
    """Keeps events by target. `refusing` is why it takes nothing, if so."""

    def __init__(self) -> None:
        self.events: dict[LogTarget, list[tuple[float, str]]] = {}
        self.refusing = ""

    def create(self, target: LogTarget) -> None:
        self._refuse()
        self.events.setdefault(target, [])

    def last(self, target: LogTarget) -> float:
        return max((at for at, _ in self.events[target]), default=0.0)

    def put(self, target: LogTarget, events: Sequence[tuple[float, str]]) -> None:
        self._refuse()
        self.events[target] += events

    def _refuse(self) -> None:
        if self.refusing:
            raise LogRefused(self.refusing)


class Output:
    """What a container writes, live, until END."""

    def __init__(self) -> None:
        self.queue: queue.Queue[tuple[float, str]] = queue.Queue()
        self.asked: list[tuple[str, float]] = []

    def lines(self, runtime_id: str, since: float) -> Iterator[tuple[float, str]]:
        self.asked.append((runtime_id, since))
        return iter(self.queue.get, END)

    def write(self, *lines: tuple[float, str]) -> None:
        for line in lines:
            self.queue.put(line)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def output() -> Output:
    return Output()


@pytest.fixture
def logs(service: FakeService, output: Output) -> AwsLogs:
    return AwsLogs(service, output.lines)


def test_every_line_is_an_event_in_its_order(service: FakeService, output: Output, logs: AwsLogs) -> None:
    logs.open(TARGET)
    logs.follow("c1", TARGET)

    output.write((1.0, "one"), (2.0, "two"), (2.0, ""), (3.0, "three"), END)
    logs.finish("c1")

    assert service.events[TARGET] == [(1.0, "one"), (2.0, "two"), (3.0, "three")]


def test_a_second_follower_goes_on_after_what_was_sent(service: FakeService, output: Output, logs: AwsLogs) -> None:
    service.events[TARGET] = [(1.0, "one"), (2.0, "two")]

    logs.follow("c1", TARGET)
    output.write((2.0, "two"), (3.0, "three"), END)
    logs.finish("c1")

    assert output.asked == [("c1", 2.0)]
    assert service.events[TARGET] == [(1.0, "one"), (2.0, "two"), (3.0, "three")]


def test_a_container_is_followed_once(service: FakeService, output: Output, logs: AwsLogs) -> None:
    logs.open(TARGET)
    logs.follow("c1", TARGET)
    logs.follow("c1", TARGET)

    output.write((1.0, "one"), END)
    logs.finish("c1")

    assert service.events[TARGET] == [(1.0, "one")]
    assert len(output.asked) == 1


def test_a_group_that_does_not_exist_fails_the_task_in_ecss_words(service: FakeService, logs: AwsLogs) -> None:
    service.refusing = "ResourceNotFoundException: The specified log group does not exist."

    words = "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group"
    with pytest.raises(TaskFailedToStart, match=f"^ResourceInitializationError: .*{words}"):
        logs.open(TARGET)


def test_a_stream_that_is_deleted_meanwhile_ends_the_log_and_not_the_container(
    service: FakeService, output: Output, logs: AwsLogs, caplog: pytest.LogCaptureFixture
) -> None:
    logs.open(TARGET)
    logs.follow("c1", TARGET)

    service.refusing = "ResourceNotFoundException: The specified log stream does not exist."
    output.write((1.0, "lost"))
    logs.finish("c1")

    assert service.events[TARGET] == []
    assert "the log of c1 is not sent any more" in caplog.text


def test_the_end_of_a_container_that_was_never_followed_is_nothing_to_wait_for(logs: AwsLogs) -> None:
    logs.finish("none")
