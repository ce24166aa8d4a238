"""Credentials for registries: those of the call (withRegistryAuth), then those of Docker's own configuration.

Sources: https://docs.docker.com/reference/cli/docker/login/ (credential stores and helpers),
https://distribution.github.io/distribution/spec/auth/token/ (the token a registry's realm gives).
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker.auth
import docker.errors

from ci.engine.errors import EngineError, RegistryError
from ci.engine.references import DOCKER_HUB

HUB_KEY = "https://index.docker.io/v1/"  # Docker Hub's name in Docker's configuration
PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Credentials:
    """A user and a password, or an identity token that a registry's realm takes in exchange for another."""

    user: str
    password: str
    identity_token: str = ""

    def basic(self) -> str:
        """The value of `Authorization` that says them (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


Lookup = Callable[[str], Credentials | None]


def host_of(address: str) -> str:
    """The registry that an address of withRegistryAuth means: `HOST[:PORT][/...]`, Docker Hub where it names none."""
    first = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    host = first.partition("@")[0]
    if host in ("index.docker.io", "registry-1.docker.io", DOCKER_HUB):
        return DOCKER_HUB
    return host if set(host) & set(".:") or host == "localhost" else DOCKER_HUB


def lookup(rows: Sequence[tuple[str, str, str]]) -> Lookup:
    """Finds a registry's credentials in `rows` (address, user, password), then in Docker's configuration."""
    given = {host_of(address): Credentials(user, password) for address, user, password in rows}

    def find(registry: str) -> Credentials | None:
        return given.get(registry) or from_docker(registry)

    return find


def from_docker(registry: str) -> Credentials | None:
    """What `docker login` left: in its file, a credential store, or a helper of the registry's own.

    Raises:
        RegistryError: the configuration or its helper does not work.
    """
    try:
        found = docker.auth.load_config().resolve_authconfig(HUB_KEY if registry == DOCKER_HUB else registry)
    except docker.errors.DockerException as error:
        raise RegistryError(registry, f"Docker's configuration gives no credentials: {error}") from error
    if not found:
        return None
    row: Mapping[str, Any] = {key.lower(): value for key, value in found.items()}
    token = str(row.get("identitytoken") or "")
    return Credentials(str(row.get("username") or ""), str(row.get("password") or ""), token)


@dataclass(frozen=True)
class Challenge:
    """What a registry asks for in `WWW-Authenticate`: a scheme and its parameters."""

    scheme: str
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, header: str) -> "Challenge":
        """The challenge that the header's text holds."""
        return cls(header.partition(" ")[0].lower(), dict(PARAMETER.findall(header)))

    def token_request(self, credentials: Credentials | None, scope: str) -> tuple[str, str, dict[str, str]]:
        """Method, URL and fields of the request that gives a token for `scope`."""
        realm = self.parameters.get("realm", "")
        if not realm.startswith(("http://", "https://")):
            raise EngineError(f"the realm {realm!r} of a registry's challenge is no URL")
        fields = {"service": self.parameters.get("service", ""), "scope": self.parameters.get("scope") or scope}
        if credentials and credentials.identity_token:
            own = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token, "client_id": "cutover"}
            return "POST", realm, fields | own
        return "GET", realm, fields
