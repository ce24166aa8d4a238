"""A target group in HAProxy's words: its targets, and ALB's answers where a target gives none.

ALB answers 503 where no target is registered, 502 where a target refuses or breaks off, 504 where connecting takes over
10 s or nothing comes within the idle timeout. HAProxy says 503 for both failures to connect, so its answer is changed.
Source: ALB user guide, "load-balancer-troubleshooting".
"""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.alb.conditions import quoted
from infra.local.alb.names import (
    DATE,
    SERVER,
    WORDS,
    Server,
    backend_name,
    error_page,
    error_reply,
    server_address,
    server_name,
)
from infra.local.alb.records import BalancerSettings, TargetGroup

CONNECT_SECONDS = 10
SLOW_MICROS = 9_900_000  # failing to connect after that long is a timeout
BALANCE = {"least_outstanding_requests": "leastconn", "weighted_random": "random"}
EMPTY = "{ nbsrv eq 0 } !{ stopping }"  # a worker that stops counts no server at all
TARGET_COOKIE, APPLICATION_COOKIE = "AWSALB", "AWSALBAPP-0"


def server_options(group: TargetGroup) -> str:
    """What follows a target's address, in the file and in `add server` alike."""
    return (" ssl verify none" if group.protocol == "HTTPS" else "") + (" proto h2" if group.version != "HTTP1" else "")


def render_group(group: TargetGroup, servers: Mapping[Server, str], settings: BalancerSettings) -> str:
    """The backend. `servers` is target to state, `ready` or another."""
    waited = "date(0,us),sub(txn.began)"
    failed = "{ status 503 } !{ var(txn.code) -m found } !{ var(txn.empty) -m found }"
    title = f"{waited},div({SLOW_MICROS}),bool,iif('504 {WORDS[504]}','502 {WORDS[502]}')"
    page = quoted(error_page(f"%[{title}]"))
    lines = [
        f"# {group.arn}",
        f"backend {backend_name(group.arn)}",
        f"  balance {BALANCE.get(group.algorithm, 'roundrobin')}",
        f"  timeout connect {CONNECT_SECONDS}s",
        f"  timeout server {settings.idle_timeout}s",
        f"  timeout tunnel {settings.idle_timeout}s",
        f"  http-request set-var(txn.empty) bool(true) if {EMPTY}",
        f"  http-request return {error_reply(503)} if {EMPTY}",
        "  http-request set-var(txn.began) date(0,us)",
        f"  http-response set-var(txn.micros) {waited}",
        "  http-response set-var(txn.code) status",
        f"  http-error {error_reply(502)}",
        f"  http-error {error_reply(504)}",
        f"  http-error status 503 content-type text/html lf-string {page} hdr Server {SERVER} {DATE}",
        f'  http-after-response set-status 504 reason "{WORDS[504]}" if {failed} {{ {waited} ge {SLOW_MICROS} }}',
        f'  http-after-response set-status 502 reason "{WORDS[502]}" if {failed}',
        *_sticky(group),
        *(_server(server, state, server_options(group)) for server, state in sorted(servers.items())),
        "",
    ]
    return "\n".join(lines)


def _server(server: Server, state: str, options: str) -> str:
    disabled = "" if state == "ready" else " disabled"
    return f"  server {server_name(server)} {server_address(server)}{options}{disabled}"


def _sticky(group: TargetGroup) -> list[str]:
    """A target that is not ready is in maintenance, so that its clients go elsewhere in spite of their cookie."""
    if group.stickiness is None:
        return []
    own = group.stickiness.cookie
    cookie = APPLICATION_COOKIE if own else TARGET_COOKIE
    value = f"{cookie}=%[srv_name]; Expires=%[date({group.stickiness.seconds}),http_date]; Path=/"
    asked = f" if {{ res.cook({own}) -m found }}" if own else ""
    return [
        f"  use-server %[req.cook({cookie})] if {{ req.cook({cookie}) -m found }}",
        f'  http-response add-header Set-Cookie "{value}"{asked}',
    ]
