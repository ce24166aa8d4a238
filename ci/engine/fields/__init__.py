"""The fields of the API, one file a type: importing this package registers all of them."""

from ci.engine import files, placing
from ci.engine.api import resolve
from ci.engine.fields import address, calls, container, directory, file, git, host, images, json_value, query, service

__all__ = [
    "address", "calls", "container", "directory", "file", "files", "git", "host", "images", "json_value", "placing",
    "query", "resolve", "service",
]  # fmt: skip
