"""Calls that must not act twice: each is sent once, and where its answer is lost it is read back what became of it.

botocore tries again what got no answer; a task definition would then be registered twice, or a deployment begun over
the one before it. So these calls go through clients that try once (`Aws.ecs_once`, `Aws.cloudformation_once`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from .clients import Aws
from .errors import AwsFault, code_of, translated

T = TypeVar("T")

# How often a call is sent, and the seconds to the second time, which double from there.
TRIES = 5
PAUSE_S = 1.0
THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded"}
)


def once(aws: Aws, act: Callable[[], T], acted: Callable[[], T | None]) -> T:
    """What `act` gives, or `acted` where only its answer was lost; one of AwsFault where AWS refuses or stays away.

    `acted` reads back what the call has brought about, None where nothing.
    """
    pause_s = PAUSE_S
    for _ in range(TRIES - 1):
        try:
            return act()
        except AwsFault as error:
            if not _passes(error):
                raise
            aws.progress(f"{str(translated(error)).rstrip('.')}; look what became of it")
        aws.clock.sleep(pause_s)
        pause_s *= 2
        if (found := acted()) is not None:
            return found
    return act()


def _passes(error: Exception) -> bool:
    """Whether the same call may well succeed later: no answer, an error of AWS's own, or too many calls."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or code_of(error) in THROTTLED
    return isinstance(error, ConnectionError | HTTPClientError)
