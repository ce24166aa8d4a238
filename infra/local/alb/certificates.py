"""Certificates of HTTPS listeners: imported ones as they are, requested ones issued by a certificate authority of ours.

A certificate that was requested from ACM is issued for its names, and for the ways that lead to the listener on this
machine, so that a client which trusts the authority's file can call `https://127.0.0.1:PORT`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from infra.local.alb.records import Listener, Records, short_id

HERE = ("localhost", "127.0.0.1")
PRIVATE_FILE = 0o600

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Certificate:
    """Its names, and its key with the chain of certificates as PEM where it was imported."""

    names: tuple[str, ...]
    pem: bytes | None = None


class Certificates:
    """The PEM files and the lists (HAProxy's `crt-list`) below one directory. `find` gives a certificate by ARN."""

    def __init__(self, directory: Path, find: Callable[[str], Certificate | None]) -> None:
        self._directory = directory
        self._find = find

    @property
    def authority(self) -> Path:
        """The file to trust; it is there once `prepare` was called."""
        return self._directory / "ca.pem"

    def prepare(self) -> None:
        """Make the authority, or go on with the one that is there."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._authority()

    def lists(self, records: Records) -> dict[str, Path]:
        """HTTPS listener ARN to its list, written anew."""
        return {each.arn: self._list(each) for each in records.listeners if each.protocol == "HTTPS"}

    def _list(self, listener: Listener) -> Path:
        """The first certificate is the one for clients that name no host, or one that no certificate has."""
        files = [self._file(arn, listener) for arn in listener.certificates]
        path = self._directory / f"{short_id(listener.arn)}.list"
        path.write_text("".join(f"{file}\n" for file in files if file is not None), encoding="utf-8")
        return path

    def _file(self, arn: str, listener: Listener) -> Path | None:
        found = self._find(arn)
        if found is None:
            log.warning("certificate %s of listener %s is gone", arn, listener.arn)
            return None
        path = self._directory / f"{short_id(arn + listener.arn)}.pem"
        if found.pem is not None or not path.exists():
            _write_private(path, found.pem or self._issue(found.names, listener.dns_name))
        return path

    def _issue(self, names: Iterable[str], dns_name: str) -> bytes:
        issued = self._authority().issue_cert(*dict.fromkeys((*names, dns_name, *HERE)))
        return issued.private_key_and_cert_chain_pem.bytes()

    def _authority(self) -> trustme.CA:
        key = self._directory / "ca.key"
        if key.exists():
            return trustme.CA.from_pem(self.authority.read_bytes(), key.read_bytes())
        made = trustme.CA(organization_name="AWS on this machine")
        self.authority.write_bytes(made.cert_pem.bytes())
        _write_private(key, made.private_key_pem.bytes())
        return made


def find_certificate(acm: Any, iam: Any, arn: str) -> Certificate | None:
    """A certificate of moto's ACM backend of a region, or of its IAM backend; None where neither has it."""
    found = acm._certificates.get(arn)
    if found is not None:
        names = tuple(dict.fromkeys(filter(None, (found.common_name, *found.sans))))
        return Certificate(names, found.key + b"\n" + found.cert + b"\n" if found.type == "IMPORTED" else None)
    uploaded = iam.get_certificate_by_arn(arn)
    if uploaded is None:
        return None
    parts = (uploaded.private_key, uploaded.cert_body, uploaded.cert_chain or "")
    return Certificate((), "\n".join(parts).encode())


def _write_private(path: Path, content: bytes) -> None:
    path.touch(PRIVATE_FILE)
    path.write_bytes(content)
