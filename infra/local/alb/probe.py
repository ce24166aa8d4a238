"""One health check, as ALB makes it: GET, its user agent, `Host: ip:port`, the connection closed after it.

Hundreds of targets are checked by one thread, so this speaks the little HTTP it needs over asyncio's streams.
"""

from __future__ import annotations

import asyncio
import functools
import ssl

from infra.local.alb.records import HealthSettings, status_matches

USER_AGENT = "ELB-HealthChecker/2.0"
FAILED = "Target.FailedHealthChecks", "Health checks failed"
TIMED_OUT = "Target.Timeout", "Request timed out"
STATUS_LINE_WORDS = 2

Failure = tuple[str, str]


async def probe(address: str, port: int, settings: HealthSettings) -> Failure | None:
    """None where the check passed, else ALB's reason and description."""
    check_port = int(settings.port) if settings.port.isdigit() else port
    try:
        async with asyncio.timeout(settings.timeout):
            status = await _status(address, check_port, settings)
    except TimeoutError:
        return TIMED_OUT
    except (OSError, ValueError):
        return FAILED
    if status_matches(settings.matcher, status):
        return None
    return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"


async def _status(address: str, port: int, settings: HealthSettings) -> int:
    """The answer's status; raises ValueError where it is no HTTP."""
    reader, writer = await asyncio.open_connection(address, port, ssl=_tls(settings))
    try:
        host = f"[{address}]" if ":" in address else address
        head = f"GET {settings.path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {USER_AGENT}\r\nConnection: close"
        writer.write(f"{head}\r\nAccept-Encoding: gzip, compressed\r\n\r\n".encode())
        words = (await reader.readline()).split(None, STATUS_LINE_WORDS)
        if len(words) < STATUS_LINE_WORDS or not words[0].startswith(b"HTTP/"):
            raise ValueError(words)
        return int(words[1])
    finally:
        writer.close()


def _tls(settings: HealthSettings) -> ssl.SSLContext | None:
    return _unverified() if settings.protocol == "HTTPS" else None


@functools.cache
def _unverified() -> ssl.SSLContext:
    """ALB does not look at a target's certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
