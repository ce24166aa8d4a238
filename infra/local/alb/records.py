"""ELBv2's records as plain frozen data. Everything else of this package works on these; `reading` makes them."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

ID_LENGTH = 12


def short_id(arn: str) -> str:
    """A name for an ARN that HAProxy takes everywhere."""
    return hashlib.sha256(arn.encode()).hexdigest()[:ID_LENGTH]


@dataclass(frozen=True)
class Forward:
    """Target group ARN to weight, sorted. `sticky` is how many seconds a client keeps its group."""

    weights: tuple[tuple[str, int], ...]
    sticky: int | None = None


@dataclass(frozen=True)
class FixedResponse:
    """An answer without a target."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True)
class Redirect:
    """An answer that sends the client elsewhere; the parts may hold `#{host}` and the like."""

    status: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


Action = Forward | FixedResponse | Redirect


@dataclass(frozen=True)
class Condition:
    """One condition of a rule: any of the patterns matches the field. `name` is the header of an http-header one.

    Patterns are regular expressions, but networks for source-ip.
    """

    field: str
    patterns: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule of a listener; conditions all have to hold."""

    arn: str
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True)
class BalancerSettings:
    """A load balancer's attributes that change what happens to a request; times in seconds."""

    idle_timeout: int = 60
    client_keep_alive: int = 3600
    xff_mode: str = "append"
    xff_client_port: bool = False
    tls_headers: bool = False
    http2: bool = True


@dataclass(frozen=True)
class Listener:
    """A listener with its rules by priority, the default one last. The first certificate is the default one."""

    arn: str
    load_balancer: str
    dns_name: str
    port: int
    rules: tuple[Rule, ...]
    protocol: str = "HTTP"
    certificates: tuple[str, ...] = ()
    balancer_arn: str = ""
    settings: BalancerSettings = BalancerSettings()


@dataclass(frozen=True)
class HealthSettings:
    """A target group's health check; times in seconds."""

    path: str = "/"
    port: str = "traffic-port"
    interval: float = 30.0
    timeout: float = 5.0
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200"
    protocol: str = "HTTP"
    enabled: bool = True


@dataclass(frozen=True)
class TargetStickiness:
    """Clients stay with their target for `seconds`; `cookie` is the application's own cookie, if it decides."""

    seconds: int
    cookie: str = ""


@dataclass(frozen=True)
class TargetGroup:
    """A target group; `targets` are the registered (address, port) pairs."""

    arn: str
    health: HealthSettings
    deregistration_delay: float
    targets: frozenset[tuple[str, int]]
    protocol: str = "HTTP"
    version: str = "HTTP1"
    algorithm: str = "round_robin"
    stickiness: TargetStickiness | None = None


@dataclass(frozen=True)
class Records:
    """All load balancers' listeners, oldest first, and all target groups."""

    listeners: tuple[Listener, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()

    @property
    def in_use(self) -> frozenset[str]:
        """Target groups that some rule names, be it with weight 0."""
        return frozenset(self.listener_of)

    @property
    def listener_of(self) -> dict[str, Listener]:
        """Target group ARN to the (first) listener that has a rule for it."""
        found: dict[str, Listener] = {}
        for listener in self.listeners:
            for rule in listener.rules:
                if isinstance(rule.action, Forward):
                    for group, _ in rule.action.weights:
                        found.setdefault(group, listener)
        return found


def status_matches(matcher: str, status: int) -> bool:
    """Whether a status is in a matcher such as `200`, `200,204` or `200-299`."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


def is_address(text: str) -> bool:
    """Whether a target's Id is an IP address: only those can be reached from this machine."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
