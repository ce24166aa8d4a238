"""Platforms in OCI's words: `OS/ARCHITECTURE[/VARIANT]`, as `linux/arm64/v8`.

Source: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md#platform-variants.
"""

import platform
import re
from collections.abc import Mapping
from typing import Any

from ci.engine.errors import InvalidPlatformError

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "x86-64": "amd64", "armhf": "arm", "armel": "arm"}
IMPLIED = {"arm64": "v8", "arm": "v7"}  # the variant that goes without saying
PLATFORM = re.compile(r"[a-z0-9_.-]+(/[a-z0-9_.-]+){0,2}")
# What a platform of one word may be, as Go names systems and machines.
SYSTEMS = {
    "aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux", "netbsd", "openbsd", "plan9",
    "solaris", "wasip1", "windows",
}  # fmt: skip
MACHINES = {
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64",
    "s390x", "wasm",
}  # fmt: skip


def native() -> str:
    """This machine's platform."""
    return f"linux/{architecture()}"


def architecture() -> str:
    """This machine's architecture."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def normal(text: str) -> str:
    """A platform in its one form (no implied variant); this machine's for an empty text, and for what a single word
    leaves open.

    Raises:
        InvalidPlatformError: the text names no platform.
    """
    if not text:
        return native()
    if not PLATFORM.fullmatch(text.lower()):
        raise InvalidPlatformError(text)
    first, *rest = text.lower().split("/")
    if not rest:
        if first in SYSTEMS:
            return f"{first}/{architecture()}"
        if ARCHITECTURES.get(first, first) not in MACHINES:
            raise InvalidPlatformError(text)
        first, rest = "linux", [first]
    machine, variant = (*rest, "")[:2]
    machine = ARCHITECTURES.get(machine, machine)
    return f"{first}/{machine}" + (f"/{variant}" if variant and IMPLIED.get(machine) != variant else "")


def of_row(row: Mapping[str, Any]) -> str:
    """The platform that an index's descriptor, an image's configuration or `docker image inspect` states."""
    lowered = {key.lower(): str(value or "") for key, value in row.items() if isinstance(value, str)}
    parts = [lowered.get("os") or "linux", lowered.get("architecture") or architecture(), lowered.get("variant", "")]
    return normal("/".join(part for part in parts if part))


def row_of(text: str) -> dict[str, str]:
    """A platform as an index's descriptor states it."""
    system, machine, variant = (*normal(text).split("/"), "")[:3]
    return {"architecture": machine, "os": system} | ({"variant": variant} if variant else {})
