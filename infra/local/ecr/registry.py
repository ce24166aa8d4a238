"""The registry: Debian's docker-registry on a Unix socket, and the way of a manifest through ECR's records into it."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.ecr.errors import PushRefused
from infra.local.ecr.records import EcrRecords, Manifest

PROGRAM = "docker-registry"
REQUEST_SECONDS = 60.0
MANIFEST_PATH = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)")
RELAYED_HEADERS = ("Content-Type", "Docker-Content-Digest", "Location")


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. `status` as in `201 Created`."""

    status: str
    headers: Mapping[str, str]
    body: bytes


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def registry_config(data: Path, address: Path) -> str:
    """docker-registry's configuration (JSON is YAML)."""
    return json.dumps(
        {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(data)},
                "delete": {"enabled": True},
                "cache": {"blobdescriptor": "inmemory"},
            },
            "http": {"net": "unix", "addr": str(address), "relativeurls": True, "secret": secrets.token_hex(16)},
        }
    )


def put_manifest(path: str, body: bytes, content_type: str, records: EcrRecords, address: Path) -> Reply:
    """Put a manifest as ECR would: refused by its rules, else stored in the registry and then recorded."""
    match = MANIFEST_PATH.fullmatch(path)
    if match is None:
        return _refusal(PushRefused(f"{path} is not a manifest"))
    reference = match["reference"]
    manifest = Manifest(
        match["repository"],
        None if reference.startswith("sha256:") else reference,
        f"sha256:{hashlib.sha256(body).hexdigest()}",
        content_type,
        body.decode(errors="replace"),
    )
    try:
        records.check(manifest)
    except PushRefused as error:
        return _refusal(error)
    reply = _forward(path, body, content_type, address)
    if reply.status.startswith("201"):
        records.record(manifest)
    return reply


def delete_manifest(repository: str, digest: str, address: Path) -> None:
    """Take an image out of the registry; one that is not there is no error."""
    connection = UnixConnection(address, REQUEST_SECONDS)
    try:
        connection.request("DELETE", f"/v2/{repository}/manifests/{digest}")
        connection.getresponse().read()
    finally:
        connection.close()


def _forward(path: str, body: bytes, content_type: str, address: Path) -> Reply:
    connection = UnixConnection(address, REQUEST_SECONDS)
    try:
        connection.request("PUT", path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        headers = {name: value for name in RELAYED_HEADERS if (value := answer.getheader(name)) is not None}
        return Reply(f"{answer.status} {answer.reason}", headers, answer.read())
    finally:
        connection.close()


def _refusal(error: PushRefused) -> Reply:
    body = json.dumps({"errors": [{"code": error.code, "message": str(error)}]}).encode()
    return Reply(error.status, {"Content-Type": "application/json"}, body)
