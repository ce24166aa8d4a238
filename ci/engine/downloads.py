"""Files over HTTP, kept by their content: fetched again only where the server says that they have changed.

Source: RFC 9110, sections 8.8 and 13 (validators and conditional requests).
"""

import io
import posixpath
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import requests

from ci.engine.errors import EngineError
from ci.engine.nodes import digest_of
from ci.engine.references import DIGEST
from ci.engine.registry import reason
from ci.engine.store import Store
from ci.engine.trees import Entry

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 60.0  # without a byte, after which a server counts as hung
CHUNK = 1 << 20  # bytes
DEFAULT_MODE = 0o600  # Dagger's own
VALIDATORS = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))


class DownloadError(EngineError):
    """A file that could not be fetched."""


class Downloads:
    """Fetches files for one session.

    Args:
        http: the HTTP session, which knows the proxies and the certificates.
        silent_seconds: how long a server may say nothing.
    """

    def __init__(self, store: Store, http: requests.Session, silent_seconds: float = SILENT_SECONDS) -> None:
        self._store = store
        self._http = http
        self._timeout = (min(CONNECT_SECONDS, silent_seconds), silent_seconds)

    def file(
        self, url: str, name: str, mode: int | None, checksum: str, headers: Mapping[str, str], at: str = ""
    ) -> Entry:
        """The file at a URL.

        Args:
            checksum: what its content must have, `sha256:HEX`; a file that is known by it is not asked for.
            headers: what the request says beside.
            at: where the URL's host is reached, when not by its name (`ADDRESS:PORT`).

        Raises:
            DownloadError: the server cannot be reached or refuses, or the content has another checksum.
        """
        wanted = _hex(checksum)
        blob = wanted if wanted and self._store.has_blob(wanted) else self._fetched(url, headers, at)
        if wanted and blob != wanted:
            raise DownloadError(f"checksum mismatch of {url}: {checksum} was expected, sha256:{blob} came")
        size = self._store.blob_path(blob).stat().st_size
        return Entry(name, "f", DEFAULT_MODE if mode is None else mode, size=size, blob=blob)

    def _fetched(self, url: str, headers: Mapping[str, str], at: str) -> str:
        """The blob of what the server gives, or still has."""
        key = digest_of([url, sorted(headers.items())])  # a digest: the headers may hold a secret
        known = self._store.get_record("http", key)
        if known is not None and not self._store.has_blob(known["blob"]):
            known = None
        conditions = {header: known[name] for name, header in VALIDATORS if known is not None and known.get(name)}
        with self._asked(url, {**headers, **conditions}, at) as answer:
            if known is not None and answer.status_code == requests.codes.not_modified:
                return str(known["blob"])
            if answer.status_code != requests.codes.ok:
                raise DownloadError(f"invalid response status {answer.status_code} {answer.reason}: {url}")
            blob, _ = self._store.put_stream(_Body(answer.iter_content(CHUNK), url))  # type: ignore[arg-type]
            validators = {name: answer.headers.get(name, "") for name, _ in VALIDATORS}
        self._store.put_record("http", key, {"blob": blob, **validators})
        return blob

    def _asked(self, url: str, headers: Mapping[str, str], at: str) -> requests.Response:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise DownloadError(f"{url!r} is no URL of a file: use http:// or https://")
        sent = dict(headers)
        if at:
            sent["Host"] = parts.netloc
            url = parts._replace(netloc=at).geturl()
        try:
            return self._http.get(url, headers=sent, timeout=self._timeout, stream=True)
        except requests.exceptions.Timeout as error:
            raise DownloadError(f"no answer from {parts.netloc} within {self._timeout[1]:g} s: {url}") from error
        except requests.exceptions.RequestException as error:
            raise DownloadError(f"{parts.netloc} cannot be reached: {reason(error)}: {url}") from error


def name_of(url: str) -> str:
    """The name of a file that is given none: the last part of its URL."""
    return posixpath.basename(urlsplit(url).path) or "index"


class _Body(io.RawIOBase):
    """What a server sends, as a file to read."""

    def __init__(self, chunks: Iterator[bytes], url: str) -> None:
        self._chunks = chunks
        self._url = url

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as they come; none at the end."""
        try:
            return next(self._chunks, b"")
        except requests.exceptions.RequestException as error:
            raise DownloadError(f"the download broke off: {reason(error)}: {self._url}") from error


def _hex(checksum: str) -> str:
    """The SHA-256 (hex) that a checksum states; empty where there is none.

    Raises:
        DownloadError: it is of another kind.
    """
    if checksum and not DIGEST.fullmatch(checksum):
        raise DownloadError(f"{checksum!r} is no checksum: use sha256: and 64 hexadecimal digits")
    return checksum.removeprefix("sha256:")
