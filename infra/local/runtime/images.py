"""Where an image of a task definition is on this machine."""

from __future__ import annotations

import re

ECR_URI = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?P<rest>.+)")


def local_reference(image: str, port: int) -> str:
    """An ECR address becomes that of the registry on `port`; any other stays."""
    match = ECR_URI.fullmatch(image)
    return f"localhost:{port}/{match['rest']}" if match else image


def digest_of(image: str) -> str | None:
    """The digest that a reference names, if it names one."""
    return image.partition("@")[2] or None


def by_tag(image: str) -> bool:
    """Whether a reference names a tag, which may stand for another image tomorrow."""
    return "@" not in image and ":" in image.rpartition("/")[2]
