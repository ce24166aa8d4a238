"""The state directory, the errors, and what is exported: the parts of the lifecycle that need no Docker."""

from pathlib import Path

import pytest

from infra import local
from infra.local import errors
from infra.local.clock import SystemClock
from infra.local.lifecycle import _last_words, _parsed
from infra.local.state import StateDirectory


def test_the_package_exports_its_three_verbs_and_their_results() -> None:
    assert set(local.__all__) == {
        "ListenerStatus",
        "LoadBalancerStatus",
        "LocalAwsError",
        "Status",
        "down",
        "status",
        "up",
    }


def test_the_state_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")

    assert StateDirectory.of(4566).root == Path("/state/cutover/local/4566")


def test_without_xdg_it_is_below_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")

    assert StateDirectory.of(1).root == Path("/home/somebody/.local/state/cutover/local/1")


def test_a_path_too_long_for_a_socket_is_refused_with_what_to_do() -> None:
    with pytest.raises(errors.PathTooLong, match="set XDG_STATE_HOME to a shorter one"):
        _ = StateDirectory(4566, Path("/" + "x" * 120)).api_socket


def test_nothing_is_up_where_there_is_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert local.status(4566) is None


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from infra.local import lifecycle

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setitem(lifecycle.PROGRAMS, "no-such-program", "its-package")

    with pytest.raises(errors.ProgramMissing, match="install it with `apt-get install its-package`"):
        local.up(1, 60.0, print)


def test_an_unreachable_docker_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    with pytest.raises(errors.DockerUnreachable, match=r"no Docker engine answers .* start it, or set DOCKER_HOST"):
        local.down(4599)


def test_every_error_is_one_line() -> None:
    made = [
        errors.PortBusy(1),
        errors.ProgramMissing("a", "b"),
        errors.DockerUnreachable("x"),
        errors.ServerFailed("x", Path("log")),
        errors.StillRunning("x", 1),
        errors.PathTooLong(Path("x")),
        errors.HaproxyRefused("x", "y"),
    ]

    assert all("\n" not in str(error) and isinstance(error, local.LocalAwsError) for error in made)


def test_the_last_line_of_the_log_is_the_reason(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\nValueError: two\n")
    assert _last_words(log) == "ValueError: two"
    log.write_text("")
    assert _last_words(log) == "it ended without a word"


def test_a_status_survives_the_way_over_json() -> None:
    listener = {"port": 80, "url": "http://127.0.0.1:20001"}
    document = {
        "endpoint": "http://127.0.0.1:1",
        "certificate_authority": "",
        "load_balancers": [{"name": "a", "dns_name": "a.elb", "listeners": [listener]}],
    }

    assert _parsed(document).to_dict() == document


def test_minutes_are_as_long_as_they_are_told_to_be() -> None:
    assert SystemClock(1.0).minutes(30) == 30.0
    assert SystemClock().minutes(2) == 120.0
