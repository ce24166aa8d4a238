"""Smoke checks over real HTTP, in process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ci.ecs import errors, smoke
from ci.ecs.smoke import ATTEMPTS, Check


def run(world: Any, *checks: Check) -> list[smoke.Result]:
    return list(smoke.run(checks, world.aws.listener("lb.test", 8080), world.aws.clock))


def test_requests_reach_the_listener_by_its_host_name(world: Any, site: Any) -> None:
    site.answers[(8080, "/")] = (200, "Hello")
    result = run(world, Check("/", 200, "Hello", 5))[0]
    assert (result.ok, result.got, result.listener) == (True, "200", "http://lb.test:8080")
    assert site.headers[0]["Host"] == "lb.test:8080"


def test_a_wrong_status_says_what_came_instead_and_is_not_tried_again(world: Any, site: Any) -> None:
    site.answers[(8080, "/")] = (302, "x" * 500)
    result = run(world, Check("/"))[0]
    assert not result.ok
    assert result.got.startswith("302 with 'xxx") and result.got.endswith("…'")
    assert len(site.requests) == 1


def test_a_wrong_body_is_shown(world: Any, site: Any) -> None:
    site.answers[(8080, "/")] = (200, "Good\nbye")
    assert str(run(world, Check("/", body="Hello"))[0]).endswith(
        "expected 200, a body with 'Hello', got 200 with 'Good bye'"
    )


def test_a_late_answer_fails(world: Any, site: Any) -> None:
    site.answers[(8080, "/")] = (200, "Hello")
    ticks = iter((0.0, 1.5))
    clock = smoke.Clock(monotonic=lambda: next(ticks), sleep=lambda _: None)
    result = smoke.run([Check("/", within=1)], world.aws.listener("lb.test", 8080), clock)[0]
    assert (result.ok, result.expected, result.got) == (False, "200, within 1 s", "200 after 1.50 s")


def test_a_missing_connection_is_tried_again(world: Any, site: Any) -> None:
    site.answers[(8080, "/")] = (200, "Hello")
    site.faults = [("GET", 0)] * (ATTEMPTS - 1)
    assert run(world, Check("/"))[0].ok
    assert world.slept == [1.0] * (ATTEMPTS - 1)


def test_a_connection_that_never_comes_fails_the_check(world: Any, site: Any) -> None:
    site.faults = [("GET", 0)] * ATTEMPTS
    result = run(world, Check("/"))[0]
    assert not result.ok
    assert result.got.startswith("no answer (")


def test_every_check_is_run_in_order(world: Any, site: Any) -> None:
    site.answers[(8080, "/b")] = (200, "")
    assert [(each.path, each.ok) for each in run(world, Check("/a"), Check("/b"))] == [("/a", False), ("/b", True)]


def written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_file_of_checks_is_read(tmp_path: Path) -> None:
    raw = [{"path": "/", "status": 200, "body": None, "within": None}, {"path": "/v", "body": "1", "within": 2}]
    assert smoke.read(written(tmp_path / "s.json", raw)) == (Check("/"), Check("/v", 200, "1", 2))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "Expecting"),
        ({}, "not a list"),
        ([], "at least one"),
        ([{"path": "/"}, {}], "check 2 has no path"),
        ([{"path": "x"}], "begins with a slash"),
        ([{"path": "/", "stauts": 200}], "unknown key 'stauts'"),
        ([{"path": "/", "status": "200"}], "no HTTP status"),
        ([{"path": "/", "status": 99}], "no HTTP status"),
        ([{"path": "/", "body": 1}], "not text"),
        ([{"path": "/", "within": 0}], "number of seconds"),
        ([{"path": "/", "within": True}], "number of seconds"),
    ],
)
def test_a_file_that_is_not_usable_says_where(tmp_path: Path, content: object, problem: str) -> None:
    with pytest.raises(errors.BadSmokeFile, match=problem):
        smoke.read(written(tmp_path / "s.json", content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.BadSmokeFile, match="No such file"):
        smoke.read(tmp_path / "none.json")
