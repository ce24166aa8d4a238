"""HAProxy's names for what ELBv2 knows by ARN, and what the other renderers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.alb.conditions import quoted
from infra.local.alb.records import Listener, Rule, short_id

HOP_ID = 2  # of the socket on which requests are passed on to the newest worker
PASSED, FRESH = f"{{ so_id {HOP_ID} }}", f"!{{ so_id {HOP_ID} }}"  # a request that was passed on, or is to be
SERVER = "awselb/2.0"
DATE = 'hdr Date "%[date,http_date]"'
WORDS = {
    301: "Moved Permanently", 302: "Found", 400: "Bad Request", 408: "Request Time-out", 414: "URI Too Long",
    502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out",
}  # fmt: skip

Server = tuple[str, int]  # address, port


@dataclass(frozen=True)
class Endpoints:
    """Where HAProxy binds and what stands behind it.

    `listener_ports` is listener ARN to port on 127.0.0.1; `certificates` is HTTPS listener ARN to a crt-list; the
    access log goes to UDP port `log_port` on 127.0.0.1, or nowhere.
    """

    port: int
    api_socket: Path
    registry_socket: Path
    listener_ports: Mapping[str, int]
    certificates: Mapping[str, Path] = field(default_factory=dict)
    log_port: int | None = None

    def hop(self, listener: Listener) -> str:
        """The abstract socket on which the newest worker takes a listener's requests."""
        return f"cutover-{self.port}-{short_id(listener.arn)}"


def server_name(server: Server) -> str:
    """HAProxy's name for a target."""
    return f"t{server[0].replace('.', '-').replace(':', '-')}-{server[1]}"


def server_address(server: Server) -> str:
    """HAProxy's address of a target."""
    return f"[{server[0]}]:{server[1]}" if ":" in server[0] else f"{server[0]}:{server[1]}"


def backend_name(group: str) -> str:
    """HAProxy's name for a target group."""
    return f"tg_{short_id(group)}"


def frontend_name(listener: Listener) -> str:
    """HAProxy's name for a listener."""
    return f"l_{short_id(listener.arn)}"


def passing_name(listener: Listener) -> str:
    """HAProxy's name for the backend that passes requests on to a listener of the newest worker."""
    return f"to_{short_id(listener.arn)}"


def variable_name(rule: Rule, index: int) -> str:
    """The process variable that holds the upper end of a group's share of a rule's slots."""
    return f"proc.w_{short_id(rule.arn)}_{index}"


def error_page(title: str) -> str:
    """The body of ALB's own answers."""
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def error_reply(status: int, shown: int | None = None) -> str:
    """HAProxy's reply with ALB's page: `status` is the one on the wire, `shown` the one in the page."""
    page = shown or status
    body = quoted(error_page(f"{page} {WORDS[page]}"))
    return f"status {status} content-type text/html string {body} hdr Server {SERVER} {DATE}"
