"""Settings of the service: environment variables, checked once at start.

| variable           | what it is                                  | default |
| ------------------ | ------------------------------------------- | ------- |
| `PORT`             | TCP port gunicorn listens on, 1 to 65535    | 8080    |
| `APP_THREADS`      | requests handled at a time, 1 to 256        | 16      |
| `APP_VERSION`      | version of the image, as `/version` tells   | unknown |
| `APP_COMMIT`       | commit of the image                         | unknown |
| `APP_IMAGE_DIGEST` | digest of the image, `sha256:` and 64 hex   | unknown |

An empty value counts as none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

UNKNOWN = "unknown"
MAX_WORD = 128
MAX_THREADS = 256
MAX_PORT = 65535
# gunicorn's own code for an application that cannot be loaded: with any other it starts the worker again, for ever.
EXIT_CODE = 4


class SettingsError(ValueError):
    """An environment variable holds a value that is not allowed."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name} is {value!r}: it must be {allowed}.")


@dataclass(frozen=True)
class Settings:
    """What the service is told at start."""

    port: int = 8080
    threads: int = 16
    version: str = UNKNOWN
    commit: str = UNKNOWN
    image_digest: str = UNKNOWN

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """The settings in `environ`; raises `SettingsError` at the first value that is not allowed."""
        return cls(
            port=_number(environ, "PORT", cls.port, MAX_PORT),
            threads=_number(environ, "APP_THREADS", cls.threads, MAX_THREADS),
            version=_word(environ, "APP_VERSION"),
            commit=_word(environ, "APP_COMMIT"),
            image_digest=_digest(environ, "APP_IMAGE_DIGEST"),
        )


def load_or_exit(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; a bad value ends the process with one line on stderr and `EXIT_CODE`."""
    try:
        return Settings.from_environ(environ)
    except SettingsError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.stderr.flush()
        raise SystemExit(EXIT_CODE) from None


def _number(environ: Mapping[str, str], name: str, default: int, largest: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    # Not int() alone: it takes "8_080", " 80" and digits of other scripts, and refuses very long ones by a ValueError.
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= largest:
        raise SettingsError(name, text, f"a whole number from 1 to {largest}")
    return int(text)


def _word(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "")
    if text and not re.fullmatch(rf"[!-~]{{1,{MAX_WORD}}}", text):
        raise SettingsError(name, text, f"one word of at most {MAX_WORD} printable ASCII characters")
    return text or UNKNOWN


def _digest(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "")
    if text and text != UNKNOWN and not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise SettingsError(name, text, "'sha256:' and 64 hexadecimal digits in lower case")
    return text or UNKNOWN
