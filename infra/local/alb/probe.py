"""One health check, as ALB makes it: GET, its user agent, `Host: ip:port`, the connection closed after it."""

from __future__ import annotations

import http.client

from infra.local.alb.records import HealthSettings, status_matches

HEADERS = {"User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"}


def probe(address: str, port: int, settings: HealthSettings) -> tuple[str, str] | None:
    """None where the check passed, else ALB's reason and description."""
    check_port = int(settings.port) if settings.port.isdigit() else port
    connection = http.client.HTTPConnection(address, check_port, timeout=settings.timeout)
    try:
        connection.request("GET", settings.path, headers=HEADERS)
        status = connection.getresponse().status
    except TimeoutError:
        return "Target.Timeout", "Request timed out"
    except (OSError, http.client.HTTPException):
        return "Target.FailedHealthChecks", "Health checks failed"
    finally:
        connection.close()
    if status_matches(settings.matcher, status):
        return None
    return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"
