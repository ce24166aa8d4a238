"""Ports across the border of a call's network: of the host for its containers, and of its containers on the host.

Source: Dagger's Host.service and Host.tunnel.
"""

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ci.engine.errors import InvalidArgumentError, ServiceError
from ci.engine.network import Forwarder
from ci.engine.state import Port

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 1.0

Forwards = list[Forwarder]
Open = Callable[[tuple[str, int], tuple[str, int]], Forwarder]


def answers(address: str, port: int) -> bool:
    """Whether a TCP connection is taken there."""
    try:
        socket.create_connection((address, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def frontend(forward: Mapping[str, Any]) -> int:
    """The port that a Host.service shows: its frontend, else its backend."""
    return int(forward.get("frontend") or forward["backend"])


def from_host(gateway: str, host: str, forwards: Sequence[Mapping[str, Any]], opened: Open = Forwarder) -> Forwards:
    """Make ports of `host`, as this machine sees it, reachable at `gateway`.

    Raises:
        InvalidArgumentError: there are no ports, or one is UDP.
        ServiceError: a port of the gateway is taken.
    """
    if not forwards:
        raise InvalidArgumentError("no ports specified")
    _only_tcp(forwards)
    made: Forwards = []
    for forward in forwards:
        try:
            made.append(opened((gateway, frontend(forward)), (host, int(forward["backend"]))))
        except OSError as error:
            # Something of this machine that listens on every address is there already.
            if frontend(forward) == forward["backend"] and _is_here(host) and answers(gateway, frontend(forward)):
                continue
            close(made)
            raise ServiceError(f"the host's {host}:{forward['backend']} cannot be bound: {error.strerror}") from error
    return made


def to_host(
    address: str, forwards: Sequence[Mapping[str, Any]], opened: Open = Forwarder
) -> tuple[Forwards, list[Port]]:
    """Make ports of a service at `address` reachable on this machine's loopback; gives the ports there.

    Raises:
        InvalidArgumentError: a port is UDP.
        ServiceError: a port of this machine is taken.
    """
    _only_tcp(forwards)
    made: Forwards = []
    ports: list[Port] = []
    for forward in forwards:
        wanted = int(forward.get("frontend") or 0)
        try:
            made.append(opened((LOOPBACK, wanted), (address, int(forward["backend"]))))
        except OSError as error:
            close(made)
            raise ServiceError(
                f"port {wanted} of this machine cannot be bound: {error.strerror}; choose another with --ports"
            ) from error
        given = int(made[-1].server_address[1])
        ports.append(Port(given, "TCP", f"tunnel {LOOPBACK}:{given} -> {address}:{forward['backend']}"))
    return made, ports


def wanted(forwards: Sequence[Mapping[str, Any]], native: bool, exposed: Sequence[Port]) -> list[Mapping[str, Any]]:
    """The forwards of a tunnel: those given, all of the service's ports where there are none, or both if `native`.

    Raises:
        InvalidArgumentError: there is nothing to forward.
    """
    found: list[Mapping[str, Any]] = list(forwards)
    if native or not found:
        found += [{"frontend": port.port if native else 0, "backend": port.port} for port in exposed]
    if not found:
        raise InvalidArgumentError("no ports to forward: the service exposes none; name one with --ports")
    return found


def close(forwarders: Sequence[Forwarder]) -> None:
    """Stop listening."""
    for forwarder in forwarders:
        forwarder.close()


def _only_tcp(forwards: Sequence[Mapping[str, Any]]) -> None:
    for forward in forwards:
        if forward.get("protocol") == "UDP":
            raise InvalidArgumentError(f"port {forward['backend']}/udp cannot be forwarded: only TCP can")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
