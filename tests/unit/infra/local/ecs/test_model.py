"""Every operation against requests of all kinds, made from botocore's model of ECS and the names that there are.

Whatever is asked: an answer fits the model (the world checks that), or an error is one that the model gives the
operation. Afterwards the control loop goes on.
"""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, given, settings

from infra.local.ecs.api import OPERATIONS
from infra.local.ecs.errors import EcsError, InvalidParameter, NotServed
from infra.local.ecs.validation import operation_model

EXAMPLES, DEEPEST = 50, 6
NUMBERS = st.sampled_from([-1, 0, 1, 2, 3, 50, 100, 101, 8080])
WORDS = st.sampled_from(["", "a", "x:1", "PAUSE", "true", "256", "arn:aws:ecs:eu-north-1:123456789012:service/a/b"])
SCALARS = {
    "integer": NUMBERS, "long": NUMBERS, "boolean": st.booleans(), "timestamp": NUMBERS,
    "double": st.floats(0, 200, width=32), "float": st.floats(0, 200, width=32),
}  # fmt: skip


def values(shape: Shape, words: st.SearchStrategy[str], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape: of the right types, and no more right than that."""
    if isinstance(shape, StructureShape):
        made = {name: values(each, words, depth + 1) for name, each in shape.members.items() if depth < DEEPEST}
        needed = {name: made.pop(name, st.just({})) for name in shape.required_members}
        return st.fixed_dictionaries(needed, optional=made)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member, words, depth + 1), max_size=2)
    if isinstance(shape, MapShape):
        return st.dictionaries(words, values(shape.value, words, depth + 1), max_size=2)
    if isinstance(shape, StringShape):
        return st.sampled_from(shape.enum) if shape.enum else words
    return SCALARS[shape.type_name]


def near(shape: Shape, base: Any, words: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """A right value with one member changed, left out or added, somewhere within."""
    if isinstance(shape, ListShape) and base:
        return st.one_of(near(shape.member, base[0], words).map(lambda made: [made, *base[1:]]), values(shape, words))
    if not isinstance(shape, StructureShape):
        return values(shape, words)
    options = [st.just({name: each for name, each in base.items() if name != gone}) for gone in base]
    for name, member in shape.members.items():
        inner = [values(member, words, 2), *([near(member, base[name], words)] if name in base else [])]
        options += [each.map(lambda made, name=name: {**base, name: made}) for each in inner]
    return st.one_of(options)


APP = {
    "name": "web", "image": "web:1", "memory": 64, "cpu": 8, "user": "1", "readonlyRootFilesystem": True,
    "portMappings": [{"containerPort": 8080, "protocol": "tcp"}], "environment": [{"name": "A", "value": "b"}],
    "secrets": [{"name": "S", "valueFrom": "s"}], "stopTimeout": 2, "entryPoint": ["sh"], "command": ["-c"],
    "healthCheck": {"command": ["CMD", "true"], "interval": 5}, "dependsOn": [],
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "eu-north-1"}},
    "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}],
    "linuxParameters": {"capabilities": {"add": ["ALL"]}},
    "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
}  # fmt: skip
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
DEFINITION = {
    "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    "containerDefinitions": [APP, {**APP, "name": "side", "essential": False}], "volumes": [{"name": "v"}],
    "taskRoleArn": "arn:aws:iam::123456789012:role/task",
}  # fmt: skip
RUN = {
    "cluster": "demo", "taskDefinition": "demo", "count": 2, "launchType": "FARGATE", "networkConfiguration": NETWORK,
    "overrides": {"cpu": "256", "containerOverrides": [{"name": "app", "command": ["x"], "memory": 32}]},
    "tags": [{"key": "a", "value": "b"}], "propagateTags": "TASK_DEFINITION",
}  # fmt: skip


@pytest.fixture
def saved(live: Any) -> tuple[Any, dict[str, Any], list[str]]:
    """The world in the middle of a deployment, a snapshot to which each example goes back, and the names in it."""
    live.call("RunTask", cluster="demo", taskDefinition="demo")
    live.call("TagResource", resourceArn=live.service.arn, tags=[{"key": "a", "value": "b"}])
    live.update("app:2")
    hook = live.paused()
    tasks = [task.arn for task in live.store.all_tasks()]
    shown = live.shown_service()
    names = [
        "demo", "demo:1", "app", "app:1", hook, live.deployment.arn, *tasks, shown["clusterArn"], shown["serviceArn"],
        shown["taskDefinition"], live.deployment.target.arn, live.call("ListTasks", cluster="demo")["taskArns"][0],
    ]  # fmt: skip
    return live, json.loads(json.dumps(live.ecs.snapshot())), [*names, *live.rules.groups, *live.rules.rules]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_answers_by_the_model_or_refuses_by_the_model(saved: Any, operation: str) -> None:
    _, _, names = saved
    asked = values(operation_model(operation).input_shape, st.one_of(st.sampled_from(names), WORDS))
    hold(saved, operation, asked)


@pytest.mark.parametrize("operation", ["RegisterTaskDefinition", "CreateService", "UpdateService", "RunTask"])
def test_a_request_that_is_almost_right_is_answered_or_refused_too(saved: Any, operation: str) -> None:
    world, _, names = saved
    service = world.request("demo:1", networkConfiguration=NETWORK, desiredCount=2)
    update = {name: each for name, each in service.items() if name != "serviceName"}
    bases = {
        "RegisterTaskDefinition": DEFINITION, "CreateService": {**service, "serviceName": "other"},
        "UpdateService": {**update, "service": "demo"}, "RunTask": RUN,
    }  # fmt: skip
    shape = operation_model(operation).input_shape
    hold(saved, operation, near(shape, bases[operation], st.one_of(st.sampled_from(names), WORDS)))


def hold(saved: Any, operation: str, asked: st.SearchStrategy[Any]) -> None:
    """Ask, each time of the same records."""
    world, snapshot, _ = saved
    known = {shape.error_code or shape.name for shape in operation_model(operation).error_shapes} | {NotServed.code}

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(asked)
    def check(request: dict[str, Any]) -> None:
        world.begin(json.loads(json.dumps(snapshot)))
        try:
            answer = world.call(operation, **request)
            if operation == "RegisterTaskDefinition":  # what may be registered can be run, or is refused
                world.call(
                    "RunTask",
                    **{**RUN, "overrides": {}, "taskDefinition": answer["taskDefinition"]["taskDefinitionArn"]},
                )
        except EcsError as error:
            assert error.code in known, error
        world.turn(3, seconds=1)
        assert not [each for each in world.store.deployments() if str(each.reason).startswith("AWS on this machine")]

    check()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_request_of_the_wrong_shape_is_refused_and_says_where(world: Any, operation: str) -> None:
    shape = operation_model(operation).input_shape
    for name, member in shape.members.items():
        wrong = "x" if not isinstance(member, StringShape) else 1
        with pytest.raises(InvalidParameter, match=name):
            world.call(operation, **{name: wrong})
    with pytest.raises(InvalidParameter, match="nonsense"):
        world.call(operation, nonsense=1)


def test_a_null_is_a_member_that_is_not_there(live: Any) -> None:
    body = b'{"cluster": "demo", "services": ["demo"], "include": null}'

    assert live.ecs.answer("eu-north-1", "DescribeServices", body)["failures"] == []
