"""HAProxy's configuration, rendered whole from the records: structure here, weights and targets' states by name.

A weighted choice is a counter: of each 1000 requests of a rule exactly the share of a group's weight goes to that
group. The shares are process variables, which a command changes without a reload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.alb.records import Condition, FixedResponse, Forward, Listener, Records, Rule, short_id

SLOTS, STRIDE = 1000, 387  # the stride has no factor in common with the slots, so that shares mix evenly
IDLE_SECONDS, CONNECT_SECONDS, API_SECONDS = 60, 10, 900
OLD_WORKER_SECONDS = 300
OLD_VARIABLE = "proc.old"  # 1 in a worker that a reload left behind: it passes requests on to the newest one
OLD = f"{{ var({OLD_VARIABLE}) -m int gt 0 }}"
FIELDS = {"path-pattern": "path", "host-header": "req.hdr(host),host_only,lower", "http-request-method": "method"}

Server = tuple[str, int]  # address, port


@dataclass(frozen=True)
class Endpoints:
    """Where HAProxy binds and what stands behind it. `listener_ports` is listener ARN to port on 127.0.0.1."""

    port: int
    api_socket: Path
    registry_socket: Path
    listener_ports: Mapping[str, int]


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
                    variables[_variable(rule, index)] = end
    return variables


def server_name(server: Server) -> str:
    """HAProxy's name for a target."""
    return f"t{server[0].replace('.', '-').replace(':', '-')}-{server[1]}"


def backend_name(group: str) -> str:
    """HAProxy's name for a target group."""
    return f"tg_{short_id(group)}"


def render(records: Records, endpoints: Endpoints, servers: Mapping[str, Mapping[Server, str]]) -> str:
    """The whole file. `servers` is target group ARN to target to state, `ready` or another."""
    parts = [_global(records), _defaults(), _gateway(records, endpoints)]
    for listener in records.listeners:
        parts.append(_listener(listener, endpoints))
        parts.extend(_counter(rule) for rule in listener.rules if isinstance(rule.action, Forward))
    parts.extend(_target_group(group.arn, servers.get(group.arn, {})) for group in records.target_groups)
    parts.append("backend none\n")
    return "\n".join(parts)


def _global(records: Records) -> str:
    variables = [f"  set-var {name} int({value})" for name, value in weight_variables(records).items()]
    variables.append(f"  set-var {OLD_VARIABLE} int(0)")
    return "\n".join(["global", "  nbthread 1", f"  hard-stop-after {OLD_WORKER_SECONDS}s", *variables, ""])


def _defaults() -> str:
    return f"""\
defaults
  mode http
  maxconn 10000
  retries 0
  option idle-close-on-response
  option forwardfor
  timeout connect {CONNECT_SECONDS}s
  timeout client {IDLE_SECONDS}s
  timeout http-keep-alive {IDLE_SECONDS}s
  timeout server {IDLE_SECONDS}s
"""


def _gateway(records: Records, endpoints: Endpoints) -> str:
    """The one port. What names a listener goes to it; manifests are put through the API, which keeps ECR's records."""
    lines = [
        "frontend gateway",
        f"  bind 127.0.0.1:{endpoints.port}",
        f"  timeout client {API_SECONDS}s",
    ]
    for listener in records.listeners:
        hosts = [f"{name}:{listener.port}" for name in (listener.dns_name, listener.load_balancer)]
        hosts += [listener.dns_name] if listener.port == 80 else []
        named = f"{{ req.hdr(host),lower -m str {' '.join(hosts).lower()} }}"
        lines.append(f"  use_backend to_{short_id(listener.arn)} if {named}")
    lines += [
        "  use_backend api if { path_beg /v2/ } { path_sub /manifests/ } { method PUT }",
        "  use_backend registry if { path_beg /v2/ }",
        "  default_backend api",
        "",
        _behind("api", f"unix@{endpoints.api_socket}"),
        _behind("registry", f"unix@{endpoints.registry_socket}"),
    ]
    for listener in records.listeners:
        lines.append(_behind(f"to_{short_id(listener.arn)}", f"abns@{_hop(listener, endpoints)}", IDLE_SECONDS))
    return "\n".join(lines)


def _behind(name: str, address: str, seconds: int = API_SECONDS) -> str:
    """A backend on this machine; a fresh connection a request, so that none is ever stale."""
    return f"backend {name}\n  option http-server-close\n  timeout server {seconds}s\n  server one {address}\n"


def _hop(listener: Listener, endpoints: Endpoints) -> str:
    return f"cutover-{endpoints.port}-{short_id(listener.arn)}"


def _listener(listener: Listener, endpoints: Endpoints) -> str:
    lines = [
        f"# {listener.load_balancer}:{listener.port}",
        f"frontend l_{short_id(listener.arn)}",
        f"  bind 127.0.0.1:{endpoints.listener_ports[listener.arn]}",
        f"  bind abns@{_hop(listener, endpoints)}",
        "  http-request set-header X-Forwarded-Proto http",
        f"  http-request set-header X-Forwarded-Port {listener.port}",
        f"  http-request set-var(txn.rule) str(none) if {OLD}",
    ]
    for rule in listener.rules:
        conditions = " ".join(["!{ var(txn.rule) -m found }", *map(_acl, rule.conditions)])
        lines.append(f"  http-request set-var(txn.rule) str({short_id(rule.arn)}) if {conditions}")
    for rule in listener.rules:
        lines += _action(rule)
    lines.append(f"  use_backend to_{short_id(listener.arn)} if {OLD}")
    return "\n".join([*lines, "  use_backend %[var(txn.group)]", "  default_backend none", ""])


def _acl(condition: Condition) -> str:
    patterns = " ".join(_quoted(pattern) for pattern in condition.patterns)
    return f"{{ {FIELDS[condition.field]} -m reg {patterns} }}"


def _action(rule: Rule) -> list[str]:
    chosen = f"{{ var(txn.rule) -m str {short_id(rule.arn)} }}"
    if isinstance(rule.action, FixedResponse):
        return [f"  http-request return status {rule.action.status}{_body(rule.action)} if {chosen}"]
    lines = [
        f"  http-request track-sc0 int(1) table count_{short_id(rule.arn)} if {chosen}",
        f"  http-request sc-inc-gpc0(0) if {chosen}",
        f"  http-request set-var(txn.slot) sc0_get_gpc0,mul({STRIDE}),mod({SLOTS}) if {chosen}",
    ]
    for index, (group, _) in enumerate(rule.action.weights):
        lines.append(f"  http-request set-var(txn.left) var({_variable(rule, index)}),sub(txn.slot) if {chosen}")
        lines.append(
            f"  http-request set-var(txn.group) str({backend_name(group)}) "
            f"if {chosen} !{{ var(txn.group) -m found }} {{ var(txn.left) -m int gt 0 }}"
        )
    return lines


def _body(fixed: FixedResponse) -> str:
    """HAProxy takes no empty string."""
    return f" content-type {_quoted(fixed.content_type)} string {_quoted(fixed.body)}" if fixed.body else ""


def _counter(rule: Rule) -> str:
    return f"backend count_{short_id(rule.arn)}\n  stick-table type integer size 1 store gpc0\n"


def _target_group(arn: str, servers: Mapping[Server, str]) -> str:
    lines = [f"# {arn}", f"backend {backend_name(arn)}", "  balance roundrobin"]
    for server, state in sorted(servers.items()):
        disabled = "" if state == "ready" else " disabled"
        lines.append(f"  server {server_name(server)} {server[0]}:{server[1]}{disabled}")
    return "\n".join([*lines, ""])


def _variable(rule: Rule, index: int) -> str:
    return f"proc.w_{short_id(rule.arn)}_{index}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("$", "\\$")
    return f'"{escaped}"'
