"""GetAuthorizationToken: a token that `docker login` takes, for the registry on this machine."""

from __future__ import annotations

import base64
from typing import Any

LIFETIME_SECONDS = 12 * 3600
CREDENTIALS = b"AWS:local"


def authorization(port: int, now: float) -> dict[str, Any]:
    """The operation's output; times in seconds since the epoch."""
    entry = {
        "authorizationToken": base64.b64encode(CREDENTIALS).decode(),
        "expiresAt": now + LIFETIME_SECONDS,
        "proxyEndpoint": f"http://localhost:{port}",
    }
    return {"authorizationData": [entry]}
