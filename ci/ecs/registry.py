"""A client of the registry's HTTP API (OCI distribution-spec 1.1): asks for digests, pushes an archive byte for byte.

Works against ECR, which takes the token of GetAuthorizationToken as Basic credentials, and against any plain registry.
Errors: RegistryRefused for answers that stay, RegistryUnreachable after bounded attempts at the others.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from typing import IO, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from .archive import INDEX_TYPES, MANIFEST_TYPES, Archive, Manifest
from .clients import Clock, Progress
from .errors import DigestMismatch, RegistryRefused, RegistryUnreachable

# One request: seconds without a byte, attempts, and seconds before the next attempt, growing with each.
TIMEOUT_S = 60
ATTEMPTS = 4
BACKOFF_S = 1.0
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
ANSWER_LIMIT = 300

T = TypeVar("T")
_ACCEPT = ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))


@dataclass(frozen=True)
class Answer:
    """What the registry said."""

    status: int
    headers: Message
    body: bytes
    url: str


class _Transient(Exception):
    """A request that may go well when tried again."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Hands a redirect back: where it leads (S3), our credentials have no business."""

    def redirect_request(self, *_: object) -> None:
        """Never follows."""


class Registry:
    """One repository of one registry; `authorization` is the header's value.

    `endpoint` says that `base` is the one address which carries everything: it is reached past any proxy, and the
    uploads which the registry places elsewhere are sent there too.
    """

    def __init__(
        self, base: str, repository: str, authorization: str | None, clock: Clock, *, endpoint: bool = False
    ) -> None:
        self._url = f"{base}/v2/{repository}/"
        self._authorization = authorization
        self._clock = clock
        self._endpoint = endpoint
        proxies = [urllib.request.ProxyHandler({})] if endpoint else []
        self._opener = urllib.request.build_opener(_NoRedirect, *proxies)

    def digest_of(self, reference: str) -> str | None:
        """The digest of the manifest that a tag or a digest names, or None where there is none."""
        answer = self._request("HEAD", f"manifests/{reference}", {"Accept": _ACCEPT})
        if answer.status == 404:
            return None
        if told := answer.headers.get("Docker-Content-Digest"):
            return told
        body = self._request("GET", f"manifests/{reference}", {"Accept": _ACCEPT}).body
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def push(self, archive: Archive, progress: Progress) -> None:
        """Pushes the archive's image by its digest, skipping what the registry already holds."""
        self._push(archive, archive.top, progress)

    def tag(self, manifest: Manifest, tag: str) -> None:
        """Lets `tag` name a manifest that has been pushed."""
        headers = {"Content-Type": manifest.media_type}
        answer = self._request("PUT", f"manifests/{tag}", headers, manifest.body)
        got = answer.headers.get("Docker-Content-Digest") or self.digest_of(tag)
        if got != manifest.digest:
            raise DigestMismatch(reference=tag, got=got, expected=manifest.digest)

    def _push(self, archive: Archive, manifest: Manifest, progress: Progress) -> None:
        if self.digest_of(manifest.digest):
            return
        for child in manifest.children:
            self._push(archive, child, progress)
        for digest in manifest.blobs:
            self._retried("PUT", f"blobs/{digest}", partial(self._push_blob, archive, digest, progress))
        self.tag(manifest, manifest.digest)

    def _push_blob(self, archive: Archive, digest: str, progress: Progress) -> None:
        """One attempt. An upload's address is good for one PUT, so a further attempt looks and begins anew."""
        if self._once("HEAD", self._url + f"blobs/{digest}").status != 404:
            return
        size = archive.size(digest)
        progress(f"  push {digest[:19]} {size / 1e6:.1f} MB")
        begun = self._once("POST", self._url + "blobs/uploads/", {"Content-Length": "0"}, b"")
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with archive.blob(digest) as stream:
            self._once("PUT", self._upload_url(begun, digest), headers, stream)

    def _upload_url(self, begun: Answer, digest: str) -> str:
        location = urlsplit(urljoin(begun.url, begun.headers.get("Location", "")))
        if self._endpoint:
            base = urlsplit(self._url)
            location = location._replace(scheme=base.scheme, netloc=base.netloc)
        query = "&".join(part for part in (location.query, urlencode({"digest": digest})) if part)
        return location._replace(query=query).geturl()

    def _request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        return self._retried(method, path, lambda: self._once(method, self._url + path, headers, body))

    def _retried(self, method: str, path: str, attempt: Callable[[], T]) -> T:
        for number in range(1, ATTEMPTS):
            try:
                return attempt()
            except _Transient:
                self._clock.sleep(BACKOFF_S * number)
        try:
            return attempt()
        except _Transient as error:
            raise RegistryUnreachable(
                method=method, url=self._url + path, attempts=ATTEMPTS, problem=error
            ) from error.__cause__

    def _once(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | IO[bytes] | None = None
    ) -> Answer:
        request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)
        if self._authorization and urlsplit(url).netloc == urlsplit(self._url).netloc:
            request.add_header("Authorization", self._authorization)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return Answer(response.status, response.headers, response.read(), url)
        except urllib.error.HTTPError as error:
            with error:
                return _judged(Answer(error.code, error.headers, error.read(), url), method)
        except (OSError, http.client.HTTPException) as error:
            raise _Transient(str(error) or type(error).__name__) from error


def _judged(answer: Answer, method: str) -> Answer:
    """Of the answers that are not 2xx: 404 and redirects of a look say something, the others are errors."""
    if answer.status in TRANSIENT:
        raise _Transient(f"{answer.status} {_text(answer)}")
    if method == "HEAD" and (answer.status == 404 or answer.status < 400):
        return answer
    raise RegistryRefused(method=method, url=answer.url.split("?")[0], status=answer.status, answer=_text(answer))


def _text(answer: Answer) -> str:
    return " ".join(answer.body[:ANSWER_LIMIT].decode(errors="replace").split()) or "no text"
