"""The fields of the API, one file a type: importing this package registers all of them."""

from ci.engine.api import resolve
from ci.engine.fields import calls, container, directory, host, query, service

__all__ = ["calls", "container", "directory", "host", "query", "resolve", "service"]
