"""HAProxy's configuration: what it says, and that HAProxy takes it where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.local.alb.config import render, thresholds, weight_variables
from infra.local.alb.listeners import SLOTS, STRIDE
from infra.local.alb.names import Endpoints, backend_name, server_name
from infra.local.alb.records import (
    Condition,
    FixedResponse,
    Forward,
    HealthSettings,
    Listener,
    Records,
    Rule,
    TargetGroup,
    short_id,
)

BLUE, GREEN = "arn:tg/blue", "arn:tg/green"
ENDPOINTS = Endpoints(4566, Path("/run/api.sock"), Path("/run/registry.sock"), {"arn:l/80": 20001, "arn:l/81": 20002})


def records(*weights: int) -> Records:
    default = Rule("arn:rule/default", (), FixedResponse(503, "text/plain", 'no "rule" matches $me'))
    path = Condition("path-pattern", ("^/.*$",))
    rule = Rule("arn:rule/1", (path,), Forward(((BLUE, weights[0]), (GREEN, weights[1]))))
    empty = Rule("arn:rule/empty", (), FixedResponse(404, "text/plain", ""))
    listeners = (
        Listener("arn:l/80", "Demo", "demo.elb", 80, (rule, default)),
        Listener("arn:l/81", "Demo", "demo.elb", 81, (empty,)),
    )
    groups = tuple(TargetGroup(arn, HealthSettings(), 30.0, frozenset()) for arn in (BLUE, GREEN))
    return Records(listeners, groups)


@pytest.mark.parametrize(
    ("weights", "ends"),
    [
        ((100, 0), [1000, 1000]),
        ((0, 100), [0, 1000]),
        ((1, 0), [1000, 1000]),
        ((90, 10), [900, 1000]),
        ((0, 0), [0, 0]),
    ],
)
def test_shares_of_the_slots_follow_the_weights_and_nothing_weighs_nothing(
    weights: tuple[int, int], ends: list[int]
) -> None:
    assert thresholds(Forward(((BLUE, weights[0]), (GREEN, weights[1])))) == ends


def test_of_a_thousand_requests_exactly_the_share_goes_to_each_group() -> None:
    first, _ = thresholds(Forward(((BLUE, 903), (GREEN, 97))))

    slots = [count * STRIDE % SLOTS for count in range(1, SLOTS + 1)]

    assert sum(slot < first for slot in slots) == 903


def test_of_any_ten_requests_in_a_row_one_goes_to_a_tenth() -> None:
    slots = [count * STRIDE % SLOTS for count in range(1, 4 * SLOTS)]
    shares = [sum(slot >= 900 for slot in slots[start : start + 100]) for start in range(0, 3 * SLOTS, 50)]

    assert min(shares) >= 8
    assert max(shares) <= 12


def test_each_weighted_rule_has_its_variables() -> None:
    rule = short_id("arn:rule/1")

    assert weight_variables(records(10, 90)) == {f"proc.w_{rule}_0": 100, f"proc.w_{rule}_1": 1000}


def test_the_gateway_sends_what_names_a_listener_to_it_and_manifests_to_the_api() -> None:
    text = render(records(1, 0), ENDPOINTS, {})

    assert "bind 127.0.0.1:4566" in text
    assert (
        f"use_backend to_{short_id('arn:l/80')} if {{ req.hdr(host),lower -m str demo.elb:80 demo:80 demo.elb }}"
        in text
    )
    assert f"use_backend to_{short_id('arn:l/81')} if {{ req.hdr(host),lower -m str demo.elb:81 demo:81 }}" in text
    assert "use_backend api if { path_beg /v2/ } { path_sub /manifests/ } { method PUT }" in text


def test_a_listener_is_bound_to_its_own_port() -> None:
    text = render(records(1, 0), ENDPOINTS, {})

    assert "bind 127.0.0.1:20001" in text
    assert "bind 127.0.0.1:20002" in text


def test_targets_that_are_not_ready_are_disabled() -> None:
    servers = {BLUE: {("10.0.0.1", 80): "ready", ("10.0.0.2", 80): "drain"}}

    lines = render(records(1, 0), ENDPOINTS, servers).splitlines()

    assert "  server t10-0-0-1-80 10.0.0.1:80" in lines
    assert "  server t10-0-0-2-80 10.0.0.2:80 disabled" in lines


def test_names_are_such_that_haproxy_takes_them() -> None:
    assert server_name(("fd00::1", 80)) == "tfd00--1-80"
    assert backend_name(BLUE).startswith("tg_")


@pytest.mark.skipif(shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None, reason="haproxy is not installed")
def test_haproxy_takes_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "haproxy.cfg"
    servers = {BLUE: {("10.0.0.1", 80): "ready"}}
    config.write_text(render(records(1, 0), ENDPOINTS, servers))
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    assert program is not None

    verdict = subprocess.run([program, "-c", "-f", str(config)], capture_output=True, text=True, check=False)

    assert verdict.returncode == 0, verdict.stderr
