"""Platforms in OCI's words: `OS/ARCHITECTURE[/VARIANT]`, as `linux/arm64/v8`.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md#platform-variants.
"""

import platform
import re
from collections.abc import Mapping
from typing import Any

from ci.engine.errors import InvalidArgumentError

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "x86-64": "amd64", "armhf": "arm", "armel": "arm"}
IMPLIED = {"arm64": "v8", "arm": "v7"}  # the variant that goes without saying
PLATFORM = re.compile(r"[a-z0-9]+(/[a-z0-9_]+(/[a-z0-9.]+)?)?")


def native() -> str:
    """This machine's platform."""
    return f"linux/{architecture()}"


def architecture() -> str:
    """This machine's architecture."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def normal(text: str) -> str:
    """A platform in its one form (no implied variant); this machine's for an empty text.

    Raises:
        InvalidArgumentError: the text names no platform.
    """
    if not text:
        return native()
    if not PLATFORM.fullmatch(text.lower()) or "/" not in text:
        raise InvalidArgumentError(f"{text!r} is no platform: use OS/ARCHITECTURE[/VARIANT], as linux/arm64")
    system, machine, variant = (*text.lower().split("/"), "")[:3]
    machine = ARCHITECTURES.get(machine, machine)
    return f"{system}/{machine}" + (f"/{variant}" if variant and IMPLIED.get(machine) != variant else "")


def of_row(row: Mapping[str, Any]) -> str:
    """The platform that an index's descriptor, an image's configuration or `docker image inspect` states."""
    lowered = {key.lower(): str(value or "") for key, value in row.items() if isinstance(value, str)}
    parts = [lowered.get("os") or "linux", lowered.get("architecture") or architecture(), lowered.get("variant", "")]
    return normal("/".join(part for part in parts if part))


def row_of(text: str) -> dict[str, str]:
    """A platform as an index's descriptor states it."""
    system, machine, variant = (*normal(text).split("/"), "")[:3]
    return {"architecture": machine, "os": system} | ({"variant": variant} if variant else {})
