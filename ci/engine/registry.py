"""A registry over HTTP: manifests and blobs, read and written.

Source: OCI distribution-spec v1.1, https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md.
"""

import hashlib
import io
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import requests

from ci.engine.errors import ManifestUnknownError, RegistryDeniedError, RegistryError, RegistryUnreachableError
from ci.engine.references import DOCKER_HUB, Reference
from ci.engine.registry_auth import Challenge, Credentials, Lookup

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 60.0  # without a byte, after which a registry counts as hung
CHUNK = 1 << 20  # bytes
PULL, PUSH = "pull", "pull,push"  # what a token is for
TAIL = 300  # characters of a refusal that are shown
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as its registry holds it."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """`sha256:` and the digest of its bytes."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def document(self) -> Mapping[str, Any]:
        """Its JSON."""
        parsed: Mapping[str, Any] = json.loads(self.data)
        return parsed


class Registry:
    """One registry, or a mirror of one.

    Args:
        name: `HOST[:PORT]`, as references name it.
        credentials: finds the credentials for a registry.
        http: the HTTP session, which knows the proxies and the certificates.
        url: where it is reached when not at its name; a path in it is put before every repository.
        insecure: whether plain HTTP will do where it speaks no TLS; always so on loopback.
        silent_seconds: how long it may say nothing.
    """

    def __init__(
        self,
        name: str,
        credentials: Lookup,
        http: requests.Session,
        *,
        url: str = "",
        insecure: bool = False,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self.name = name
        parts = urlsplit(url)
        self._host = parts.netloc or ("registry-1.docker.io" if name == DOCKER_HUB else name)
        self._prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        self._schemes = [parts.scheme] if parts.scheme else ["https", *(["http"] if insecure or self.local else [])]
        self._credentials = credentials
        self._http = http
        self._timeout = (min(CONNECT_SECONDS, silent_seconds), silent_seconds)
        self._authorizations: dict[str, str] = {}

    @property
    def local(self) -> bool:
        """Whether it is on this machine's loopback, where Docker too takes plain HTTP."""
        host = self._host.rpartition(":")[0] or self._host
        try:
            return ipaddress.ip_address(host.strip("[]")).is_loopback
        except ValueError:
            return host == "localhost"

    # Reading

    def manifest(self, reference: Reference) -> Manifest:
        """The manifest or index of a tag or digest.

        Raises:
            ManifestUnknownError: the registry does not have it.
        """
        headers = {"Accept": ", ".join(MANIFESTS)}
        with self._asked("GET", reference.repository, f"manifests/{reference.wanted}", headers=headers) as answer:
            if answer.status_code == requests.codes.not_found:
                raise ManifestUnknownError(str(reference))
            self._expect(answer, 200)
            found = Manifest(answer.content, answer.headers.get("Content-Type", "").partition(";")[0])
        if reference.digest and found.digest != reference.digest:
            raise RegistryError(self.name, f"{reference}: what it gave has the digest {found.digest}")
        return found

    def blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """The bytes of a blob, as they come; whoever keeps them checks their digest."""
        with self._asked("GET", repository, f"blobs/{digest}", stream=True) as answer:
            self._expect(answer, 200)
            with self._translated():
                yield from answer.iter_content(CHUNK)

    # Writing

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository has the blob."""
        with self._asked("HEAD", repository, f"blobs/{digest}", PUSH) as answer:
            return bool(answer.status_code == requests.codes.ok)

    def put_blob(self, repository: str, digest: str, size: int, content: Callable[[], IO[bytes]]) -> None:
        """Upload a blob of `size` bytes, where the repository does not have it."""
        if self.has_blob(repository, digest):
            return
        with self._asked("POST", repository, "blobs/uploads/", PUSH) as answer:
            self._expect(answer, 202)
            place = urljoin(answer.url, answer.headers["Location"])
        place += ("&" if "?" in place else "?") + f"digest={digest}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with content() as data, self._asked("PUT", repository, place, PUSH, headers=headers, data=data) as answer:
            self._expect(answer, 201)

    def put_bytes(self, repository: str, data: bytes) -> None:
        """Upload a small blob."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.put_blob(repository, digest, len(data), lambda: io.BytesIO(data))

    def put_manifest(self, repository: str, name: str, manifest: Manifest) -> None:
        """Write a manifest under a tag or its digest."""
        headers = {"Content-Type": manifest.media_type}
        with self._asked("PUT", repository, f"manifests/{name}", PUSH, headers=headers, data=manifest.data) as answer:
            self._expect(answer, 201)

    # One request

    def _asked(
        self, method: str, repository: str, place: str, actions: str = PULL, **options: Any
    ) -> requests.Response:
        """The answer to a request for `place` (below the repository, or a URL the registry gave), authorized."""
        scope = f"repository:{self._prefix}{repository}:{actions}"
        answer = self._sent(method, repository, place, scope, options)
        if answer.status_code == requests.codes.unauthorized:
            self._log_in(answer, repository, scope)
            answer = self._sent(method, repository, place, scope, options)
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            answer.close()
            raise self._denied(repository)
        return answer

    def _denied(self, repository: str) -> RegistryDeniedError:
        found = self._credentials(self.name)
        return RegistryDeniedError(self.name, repository, (found.user or "an identity token") if found else "")

    def _sent(
        self, method: str, repository: str, place: str, scope: str, options: Mapping[str, Any]
    ) -> requests.Response:
        elsewhere = "://" in place
        headers = dict(options.get("headers") or {})
        if scope in self._authorizations and (not elsewhere or urlsplit(place).netloc == self._host):
            headers["Authorization"] = self._authorizations[scope]
        with self._translated():
            if elsewhere:
                return self._http.request(method, place, timeout=self._timeout, **{**options, "headers": headers})
            path = f"/v2/{self._prefix}{repository}/{place}"
            return self._at_scheme(method, path, {**options, "headers": headers})

    def _at_scheme(self, method: str, path: str, options: Mapping[str, Any]) -> requests.Response:
        """The answer over TLS, or over plain HTTP where that is allowed and TLS is not spoken."""
        while True:
            try:
                url = f"{self._schemes[0]}://{self._host}{path}"
                return self._http.request(method, url, timeout=self._timeout, **options)
            except requests.exceptions.ReadTimeout:
                raise
            except requests.exceptions.ConnectionError:
                if len(self._schemes) == 1:
                    raise
                del self._schemes[0]

    def _log_in(self, answer: requests.Response, repository: str, scope: str) -> None:
        """Remember what to say from now on to a registry that has asked for credentials."""
        challenge = Challenge.of(answer.headers.get("WWW-Authenticate", ""))
        answer.close()
        found = self._credentials(self.name)
        if challenge.scheme == "bearer":
            self._authorizations[scope] = f"Bearer {self._token(challenge, found, repository, scope)}"
        elif found is not None:
            self._authorizations[scope] = found.basic()

    def _token(self, challenge: Challenge, found: Credentials | None, repository: str, scope: str) -> str:
        method, url, fields = challenge.token_request(found, scope)
        headers = {"Authorization": found.basic()} if found is not None and method == "GET" else {}
        place: dict[str, Any] = {"params": fields} if method == "GET" else {"data": fields}
        with (
            self._translated(),
            self._http.request(method, url, timeout=self._timeout, headers=headers, **place) as answer,
        ):
            if not answer.ok:
                raise self._denied(repository)
            row = answer.json()
        return str(row.get("token") or row.get("access_token") or "")

    def _expect(self, answer: requests.Response, status: int) -> None:
        if answer.status_code != status:
            text = " ".join(answer.text.split())[:TAIL]
            method, path = answer.request.method, urlsplit(answer.url).path
            raise RegistryError(self.name, f"{method} {path} was answered with {answer.status_code} {text}".rstrip())

    def _translated(self) -> "_Translated":
        return _Translated(self.name, self._host, self._timeout[1])


class _Translated:
    """The errors of requests as the engine's."""

    def __init__(self, name: str, host: str, seconds: float) -> None:
        self._name = name
        self._where = "" if host == name else f" at {host}"
        self._seconds = seconds

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, requests.exceptions.Timeout):
            detail = f"no answer{self._where} within {self._seconds:g} s"
            raise RegistryUnreachableError(self._name, detail) from error
        if isinstance(error, requests.exceptions.RequestException):
            raise RegistryUnreachableError(self._name, f"cannot be reached{self._where}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Why a request did not get through, in few words: the innermost cause that requests and urllib3 wrap."""
    text = str(error)
    for sign, words in (
        ("ProxyError", "the proxy cannot be reached, or refuses (HTTP_PROXY, HTTPS_PROXY, NO_PROXY)"),
        ("Name or service not known", "no such host"),
        ("NameResolutionError", "no such host"),
        ("Connection refused", "connection refused"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted (SSL_CERT_FILE names the CA bundle)"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS"),
        ("RemoteDisconnected", "it closed the connection"),
        ("Connection reset", "connection reset"),
    ):
        if sign in text:
            return words
    return " ".join(text.split())[:TAIL]
