"""A listener in HAProxy's words: which rule a request meets, and what the rule does with it.

A request passes twice, the second time over a connection of its own to the newest worker, which alone looks at rules:
a connection that is kept by an old worker after a reload goes by the rules of today, and a target that breaks off is
answered with ALB's 502. (HAProxy hangs up instead where a request is not its connection's first one.)

A weighted choice is a counter: of each 1000 requests of a rule exactly the share of a group's weight goes to that
group. The shares are process variables, which a command changes without a reload.
Sources: ALB user guide, "listener-rules", "rule-action-types", "x-forwarded-headers", "load-balancer-request-tracing".
"""

from __future__ import annotations

import re

from infra.local.alb.conditions import acl, quoted
from infra.local.alb.names import (
    DATE,
    FRESH,
    HOP_ID,
    PASSED,
    SERVER,
    WORDS,
    Endpoints,
    backend_name,
    error_page,
    error_reply,
    frontend_name,
    passing_name,
    variable_name,
)
from infra.local.alb.records import FixedResponse, Forward, Listener, Redirect, Rule, short_id

SLOTS, STRIDE = 1000, 387  # the stride has no factor in common with the slots, so that shares mix evenly
URL_BYTES = 16384
LOG_BYTES = 1024
STICKY_COOKIE = "AWSALBTG"
TRACE = "req.fhdr(x-amzn-trace-id)"
PLACEHOLDER = re.compile(r"#\{(protocol|host|port|path|query)\}")


def render_listener(listener: Listener, endpoints: Endpoints) -> str:
    """The frontend, and the counters of its weighted rules."""
    lines = [
        f"# {listener.load_balancer}:{listener.port}",
        f"frontend {frontend_name(listener)}",
        *_binds(listener, endpoints),
        *_times(listener),
        *_log(listener, endpoints),
        *(f"  http-error {error_reply(status)}" for status in (400, 408, 502, 503, 504)),
        *_headers(listener),
        f"  http-request set-var(txn.rule) str(none) if {FRESH}",
        *(_match(rule) for rule in listener.rules),
        *(line for rule in listener.rules for line in _action(rule, listener)),
        f"  use_backend {passing_name(listener)} if {FRESH}",
        "  use_backend %[var(txn.group)]",
        "  default_backend none",
        "",
    ]
    counters = [_counter(rule) for rule in listener.rules if isinstance(rule.action, Forward)]
    return "\n".join([*lines, *counters])


def _binds(listener: Listener, endpoints: Endpoints) -> list[str]:
    address = f"  bind 127.0.0.1:{endpoints.listener_ports[listener.arn]}"
    if listener.protocol == "HTTPS":
        alpn = "h2,http/1.1" if listener.settings.http2 else "http/1.1"
        address += f" ssl crt-list {endpoints.certificates[listener.arn]} alpn {alpn}"
    return [address, f"  bind abns@{endpoints.hop(listener)} accept-proxy id {HOP_ID}"]


def _times(listener: Listener) -> list[str]:
    """The idle timeout, and the end of connections that are older than the client keep-alive."""
    idle, age = listener.settings.idle_timeout, listener.settings.client_keep_alive
    return [
        f"  timeout client {idle}s",
        f"  timeout http-keep-alive {idle}s",
        "  tcp-request connection set-var(sess.began) date",
        f"  http-after-response set-header Connection close if {{ date,sub(sess.began) ge {age} }}",
    ]


def _log(listener: Listener, endpoints: Endpoints) -> list[str]:
    """A line a request for the metrics; see `accesslog` for its fields."""
    if endpoints.log_port is None:
        return []
    fields = "%[var(txn.group)] %[var(txn.code)] %ST %[var(txn.micros)] %tsc %[var(txn.kind)] %B"
    return [
        f"  log 127.0.0.1:{endpoints.log_port} len {LOG_BYTES} format raw local0",
        f'  log-format "{frontend_name(listener)} {fields}"',
        f"  http-request set-log-level silent if {FRESH}",
    ]


def _headers(listener: Listener) -> list[str]:
    """What ALB adds to a request, once."""
    lines = [f"  http-request return {error_reply(414)} if {{ url -m len gt {URL_BYTES} }} {PASSED}"]
    lines += [
        f"  http-request {line} {PASSED}"
        for line in (
            *_forwarded_for(listener),
            f"set-header X-Forwarded-Proto {listener.protocol.lower()} if",
            f"set-header X-Forwarded-Port {listener.port} if",
            "set-var(txn.time) date,hex,bytes(8,8),lower if",
            "set-var(txn.id) uuid(),regsub(-,,g),bytes(0,24) if",
            f"set-header X-Amzn-Trace-Id \"Self={_trace()};%[{TRACE},regsub('Self=[^;]*;?','',g)]\" "
            f"if {{ {TRACE} -m sub Root= }}",
            f'set-header X-Amzn-Trace-Id "Root={_trace()};%[{TRACE}]" '
            f"if {{ {TRACE} -m found }} !{{ {TRACE} -m sub Root= }}",
            f'set-header X-Amzn-Trace-Id "Root={_trace()}" if !{{ {TRACE} -m found }}',
        )
    ]
    if listener.protocol == "HTTPS" and listener.settings.tls_headers:
        lines.append("  http-request set-header X-Amzn-Tls-Version %[ssl_fc_protocol] if { ssl_fc }")
        lines.append("  http-request set-header X-Amzn-Tls-Cipher-Suite %[ssl_fc_cipher] if { ssl_fc }")
    return lines


def _trace() -> str:
    return "1-%[var(txn.time)]-%[var(txn.id)]"


def _forwarded_for(listener: Listener) -> list[str]:
    client = "%[src]:%[src_port]" if listener.settings.xff_client_port else "%[src]"
    known = "{ req.fhdr(x-forwarded-for) -m found }"
    if listener.settings.xff_mode == "remove":
        return ["del-header X-Forwarded-For if"]
    if listener.settings.xff_mode == "preserve":
        return []
    return [
        f'set-header X-Forwarded-For "%[req.fhdr(x-forwarded-for)], {client}" if {known}',
        f"set-header X-Forwarded-For {client} if !{known}",
    ]


def _match(rule: Rule) -> str:
    conditions = " ".join(["!{ var(txn.rule) -m found }", *map(acl, rule.conditions)])
    return f"  http-request set-var(txn.rule) str({short_id(rule.arn)}) if {conditions}"


def _action(rule: Rule, listener: Listener) -> list[str]:
    chosen = f"{{ var(txn.rule) -m str {short_id(rule.arn)} }}"
    if isinstance(rule.action, FixedResponse):
        reply = f"status {rule.action.status}{_body(rule.action)} hdr Server {SERVER} {DATE}"
        kind = f"  http-request set-var(txn.kind) str(fixed) if {chosen}"
        return [kind, f"  http-request return {reply} if {chosen}"]
    if isinstance(rule.action, Redirect):
        return _redirect(rule.action, listener, chosen)
    return [*_sticky(rule, rule.action, chosen), *_weighted(rule, rule.action, chosen)]


def _body(fixed: FixedResponse) -> str:
    """HAProxy takes no empty string."""
    kind = quoted(f"{fixed.content_type}; charset=utf-8")
    return f" content-type {kind} string {quoted(fixed.body)}" if fixed.body else ""


def _redirect(redirect: Redirect, listener: Listener, chosen: str) -> list[str]:
    """Where the request has no query and the redirect asks for nothing else, there is no question mark."""
    title = f"{redirect.status} {WORDS[redirect.status]}"
    page = quoted(error_page(title))
    reply = f"status {redirect.status} content-type text/html string {page} hdr Server {SERVER} {DATE}"
    place = f"{redirect.protocol}://{redirect.host}:{redirect.port}{redirect.path}"
    with_query = _filled(f"{place}?{redirect.query}" if redirect.query else place, listener)
    without = _filled(place if redirect.query == "#{query}" else f"{place}?{redirect.query}", listener)
    asked = "{ query -m len gt 0 }"
    return [
        f"  http-request set-var(txn.kind) str(redirect) if {chosen}",
        f"  http-request return {reply} hdr Location {with_query} if {chosen} {asked}",
        f"  http-request return {reply} hdr Location {without if redirect.query else with_query} if {chosen}",
    ]


def _filled(text: str, listener: Listener) -> str:
    """A redirect's text in HAProxy's log-format, with its placeholders."""
    values = {
        "protocol": listener.protocol.lower(),
        "host": "%[req.hdr(host),host_only]",
        "port": str(listener.port),
        "path": "%[path,regsub(^/,)]",
        "query": "%[query]",
    }
    parts = PLACEHOLDER.split(text)
    return quoted("".join(values[part] if index % 2 else part.replace("%", "%%") for index, part in enumerate(parts)))


def _sticky(rule: Rule, action: Forward, chosen: str) -> list[str]:
    """A client that shows the cookie keeps its group, also one of weight 0: undocumented, this is the worse."""
    if action.sticky is None:
        return []
    value = f"{STICKY_COOKIE}=%[var(txn.group)]; Expires=%[date({action.sticky}),http_date]; Path=/"
    kept = [
        f"  http-request set-var(txn.group) str({backend_name(group)}) "
        f"if {chosen} {{ req.cook({STICKY_COOKIE}) -m str {backend_name(group)} }}"
        for group, _ in action.weights
    ]
    return [*kept, f'  http-response add-header Set-Cookie "{value}" if {chosen}']


def _weighted(rule: Rule, action: Forward, chosen: str) -> list[str]:
    free = f"{chosen} !{{ var(txn.group) -m found }}"
    lines = [
        f"  http-request track-sc0 int(1) table count_{short_id(rule.arn)} if {free}",
        f"  http-request sc-inc-gpc0(0) if {free}",
        f"  http-request set-var(txn.slot) sc0_get_gpc0,mul({STRIDE}),mod({SLOTS}) if {free}",
    ]
    for index, (group, _) in enumerate(action.weights):
        lines.append(f"  http-request set-var(txn.left) var({variable_name(rule, index)}),sub(txn.slot) if {free}")
        lines.append(
            f"  http-request set-var(txn.group) str({backend_name(group)}) if {free} {{ var(txn.left) -m int gt 0 }}"
        )
    return lines


def _counter(rule: Rule) -> str:
    return f"backend count_{short_id(rule.arn)}\n  stick-table type integer size 1 store gpc0\n"
