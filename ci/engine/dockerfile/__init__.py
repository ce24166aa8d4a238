"""Dockerfiles as recipes: each instruction becomes the field of the API that does the same.

Source: the Dockerfile reference, https://docs.docker.com/reference/dockerfile/ (syntax 1.x, as BuildKit reads it).
"""

from ci.engine.dockerfile import copies
from ci.engine.dockerfile.build import Build, Given, Lookups, build
from ci.engine.dockerfile.errors import DockerfileError

__all__ = ["Build", "DockerfileError", "Given", "Lookups", "build", "copies"]
