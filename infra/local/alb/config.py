"""HAProxy's configuration, rendered whole from the records: structure here, weights and targets' states by name."""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.alb.groups import CONNECT_SECONDS, render_group
from infra.local.alb.listeners import SLOTS, render_listener
from infra.local.alb.names import Endpoints, Server, passing_name, variable_name
from infra.local.alb.records import BalancerSettings, Forward, Listener, Records

IDLE_SECONDS, API_SECONDS, GRACE_SECONDS = 60, 900, 5
OLD_WORKER_SECONDS = 300
BUFFER_BYTES, REWRITE_BYTES = 81920, 8192  # ALB takes 64 KB of headers
MAX_CONNECTIONS = 10000


def thresholds(action: Forward) -> list[int]:
    """Upper ends of the groups' shares of the slots; all 0 where no group has a weight."""
    total = sum(weight for _, weight in action.weights)
    ends, seen = [], 0
    for _, weight in action.weights:
        seen += weight
        ends.append(round(seen * SLOTS / total) if total else 0)
    return ends


def weight_variables(records: Records) -> dict[str, int]:
    """All process variables and their values."""
    variables = {}
    for listener in records.listeners:
        for rule in listener.rules:
            if isinstance(rule.action, Forward):
                for index, end in enumerate(thresholds(rule.action)):
                    variables[variable_name(rule, index)] = end
    return variables


def render(records: Records, endpoints: Endpoints, servers: Mapping[str, Mapping[Server, str]]) -> str:
    """The whole file. `servers` is target group ARN to target to state, `ready` or another."""
    owners = records.listener_of
    parts = [_global(records), _defaults(), _gateway(records, endpoints)]
    parts += [render_listener(listener, endpoints) for listener in records.listeners]
    for group in records.target_groups:
        settings = owners[group.arn].settings if group.arn in owners else BalancerSettings()
        parts.append(render_group(group, servers.get(group.arn, {}), settings))
    parts.append("backend none\n")
    return "\n".join(parts)


def _global(records: Records) -> str:
    variables = [f"  set-var {name} int({value})" for name, value in weight_variables(records).items()]
    sizes = [f"  tune.bufsize {BUFFER_BYTES}", f"  tune.maxrewrite {REWRITE_BYTES}", "  tune.ssl.default-dh-param 2048"]
    return "\n".join(["global", "  nbthread 1", f"  hard-stop-after {OLD_WORKER_SECONDS}s", *sizes, *variables, ""])


def _defaults() -> str:
    return f"""\
defaults
  mode http
  maxconn {MAX_CONNECTIONS}
  retries 0
  option idle-close-on-response
  timeout connect {CONNECT_SECONDS}s
  timeout client {IDLE_SECONDS}s
  timeout http-keep-alive {IDLE_SECONDS}s
  timeout server {IDLE_SECONDS}s
"""


def _gateway(records: Records, endpoints: Endpoints) -> str:
    """The one port. What names a listener goes to it; manifests are put through the API, which keeps ECR's records."""
    lines = ["frontend gateway", f"  bind 127.0.0.1:{endpoints.port}", f"  timeout client {API_SECONDS}s"]
    for listener in records.listeners:
        named = f"{{ req.hdr(host),lower -m str {' '.join(_hosts(listener))} }}"
        lines.append(f"  use_backend {passing_name(listener)} if {named}")
    lines += [
        "  use_backend api if { path_beg /v2/ } { path_sub /manifests/ } { method PUT }",
        "  use_backend registry if { path_beg /v2/ }",
        "  default_backend api",
        "",
        _behind("api", f"unix@{endpoints.api_socket}"),
        _behind("registry", f"unix@{endpoints.registry_socket}"),
    ]
    lines += [_passing(listener, endpoints) for listener in records.listeners]
    return "\n".join(lines)


def _hosts(listener: Listener) -> list[str]:
    hosts = [f"{name}:{listener.port}" for name in (listener.dns_name, listener.load_balancer)]
    return [host.lower() for host in (*hosts, *([listener.dns_name] if listener.port == 80 else []))]


def _passing(listener: Listener, endpoints: Endpoints) -> str:
    """The way to a listener of the newest worker, which is told who the client is, and loses patience first."""
    address = f"abns@{endpoints.hop(listener)} send-proxy-v2"
    return _behind(passing_name(listener), address, listener.settings.idle_timeout + CONNECT_SECONDS + GRACE_SECONDS)


def _behind(name: str, address: str, seconds: int = API_SECONDS) -> str:
    """A backend on this machine; a fresh connection a request, so that none is ever stale."""
    return (
        f"backend {name}\n  option http-server-close\n  timeout server {seconds}s\n  timeout tunnel {seconds}s\n"
        f"  server one {address}\n"
    )
