"""Keeps HAProxy in step with the records: a reload for structure, runtime commands for weights and targets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from infra.local.alb.config import render, weight_variables
from infra.local.alb.groups import server_options
from infra.local.alb.names import Endpoints, Server, backend_name, server_address, server_name
from infra.local.alb.records import Forward, Records, Rule
from infra.local.alb.targets import Key, TargetBook
from infra.local.clock import Clock

READY, AWAY = "ready", "maint"  # a server in maintenance finishes what it holds
Servers = dict[str, dict[Server, str]]

log = logging.getLogger(__name__)


class Proxy(Protocol):
    """What the data plane needs of HAProxy."""

    @property
    def running(self) -> bool:
        """Whether it runs; one that does not is started by `apply`."""
        ...

    def apply(self, text: str) -> None:
        """Make this text the running configuration."""
        ...

    def tell(self, commands: list[str]) -> list[str]:
        """Carry out runtime commands in their order; gives their answers."""
        ...


class DataPlane:
    """`sync` is all: idempotent, thread-safe, and once it returns HAProxy does what the records say."""

    def __init__(
        self,
        proxy: Proxy,
        read: Callable[[], Records],
        endpoints: Callable[[Records], Endpoints],
        book: TargetBook,
        clock: Clock,
    ) -> None:
        self._proxy = proxy
        self._read = read
        self._endpoints = endpoints
        self._clock = clock
        self._lock = threading.RLock()
        self._structure: object = None
        self._weights: dict[str, int] = {}
        self._servers: Servers = {}
        self._leaving: set[tuple[str, Server]] = set()
        self._options: dict[str, str] = {}
        self.book = book

    @property
    def lock(self) -> threading.RLock:
        """Hold it while reading or changing the book."""
        return self._lock

    def sync(self) -> Records:
        """Follow the records; gives those that are now in effect."""
        with self._lock:
            records = self._read()
            self.book.follow(records, self._clock.now())
            servers = self._wanted_servers(records)
            structure = _structure(records)
            if structure != self._structure or not self._proxy.running:
                self._reload(records, servers)
                self._structure = structure
            else:
                self._retarget(servers)
                self._reweigh(weight_variables(records))
            return records

    def drain(self, key: Key) -> None:
        """Let a target that is no longer registered drain anew: how long it has drained nobody remembers."""
        with self._lock:
            group = next((each for each in self._read().target_groups if each.arn == key[0]), None)
            if group is not None:
                self.book.drain(key, group, self._clock.now())

    def tend(self) -> None:
        """What time alone brings about: drains that end, targets that HAProxy still held, HAProxy's own end."""
        with self._lock:
            due = self._leaving or not self._proxy.running or self.book.has_drained(self._clock.now())
        if due:
            self.sync()

    def _wanted_servers(self, records: Records) -> Servers:
        wanted: Servers = {}
        for group in records.target_groups:
            routable = self.book.routable(group.arn)
            targets = self.book.of_group(group.arn)
            wanted[group.arn] = {each.key[1:]: READY if each.key[1:] in routable else AWAY for each in targets}
        return wanted

    def _reload(self, records: Records, servers: Servers) -> None:
        log.info("a new configuration of %s listeners, %s target groups", len(records.listeners), len(servers))
        self._proxy.apply(render(records, self._endpoints(records), servers))
        self._weights = weight_variables(records)
        self._options = {group.arn: server_options(group) for group in records.target_groups}
        self._servers, self._leaving = servers, set()

    def _reweigh(self, weights: dict[str, int]) -> None:
        changed = {name: value for name, value in weights.items() if self._weights.get(name) != value}
        if changed:
            self._proxy.tell([f"set var {name} int({value})" for name, value in changed.items()])
            self._weights = weights

    def _retarget(self, servers: Servers) -> None:
        """Targets that come or get ready first, then those that go: a group is never empty in between."""
        for state in (READY, AWAY):
            for group, targets in servers.items():
                self._set_states(group, {server: each for server, each in targets.items() if each == state})
        for group, known in self._servers.items():
            self._leaving |= {(group, server) for server in known if server not in servers.get(group, {})}
        self._servers = servers
        self._remove_gone()

    def _set_states(self, group: str, targets: Mapping[Server, str]) -> None:
        known = self._servers.get(group, {})
        for server, state in targets.items():
            name = f"{backend_name(group)}/{server_name(server)}"
            commands = []
            if server not in known and (group, server) not in self._leaving:
                commands.append(f"add server {name} {server_address(server)}{self._options[group]}")
            if known.get(server) != state:
                commands.append(f"set server {name} state {state}")
            self._leaving.discard((group, server))
            if commands:
                log.info("targets: %s -> %s", commands, self._proxy.tell(commands))

    def _remove_gone(self) -> None:
        """What still runs on a target that is gone is cut (ALB answers 502); HAProxy may need a second try."""
        for group, server in sorted(self._leaving):
            name = f"{backend_name(group)}/{server_name(server)}"
            answers = self._proxy.tell(
                [f"set server {name} state maint", f"shutdown sessions server {name}", f"del server {name}"]
            )
            if not answers or "deleted" in answers[-1] or "No such server" in answers[-1]:
                self._leaving.discard((group, server))


def _structure(records: Records) -> object:
    """What only a reload can change: everything but weights and targets."""
    listeners = [replace(each, rules=tuple(map(_weightless, each.rules))) for each in records.listeners]
    return listeners, [
        (group.arn, server_options(group), group.algorithm, group.stickiness) for group in records.target_groups
    ]


def _weightless(rule: Rule) -> Rule:
    if not isinstance(rule.action, Forward):
        return rule
    return replace(rule, action=replace(rule.action, weights=tuple((group, 0) for group, _ in rule.action.weights)))
