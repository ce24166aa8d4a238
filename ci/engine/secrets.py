"""Secrets: read from where their URI points, fingerprinted for keys, and scrubbed out of everything that is shown."""

import hashlib
import hmac
import os
import re
import subprocess
from pathlib import Path

from ci.engine.errors import SecretError
from ci.engine.nodes import Node
from ci.engine.scrub import Patterns, Scrubber

COMMAND_SECONDS = 60


class Secrets:
    """The plaintexts of one session; they never leave memory but into the container that asked for them."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._set: dict[str, str] = {}
        self._known: set[str] = set()
        self._cache: dict[str, str] = {}
        self._patterns, self._counted = Patterns(()), 0

    def set(self, name: str, plaintext: str) -> Node:
        """A secret given by value (`setSecret`)."""
        node = Node("Secret", "setSecret", None, {"name": name, "fingerprint": self._fingerprint(plaintext)})
        self._set[node.digest] = plaintext
        self._known.add(plaintext)
        return node

    def from_uri(self, uri: str) -> Node:
        """A secret by reference: `env:NAME`, `file:PATH` or `cmd:COMMAND`, also with `://`.

        Raises:
            SecretError: another scheme, or what it names cannot be read.
        """
        plaintext = _read(uri)
        self._known.add(plaintext)
        node = Node("Secret", "secret", None, {"uri": uri, "fingerprint": self._fingerprint(plaintext)})
        self._cache[node.digest] = plaintext
        return node

    def plaintext(self, node: Node) -> str:
        """The value of a secret of this session."""
        held = self._set if node.field == "setSecret" else self._cache
        if node.digest not in held:
            if node.field == "setSecret":
                raise SecretError(f"secret {node.args['name']!r} was set in another session")
            held[node.digest] = _read(node.args["uri"])
        value = held[node.digest]
        self._known.add(value)
        return value

    def fingerprint(self, node: Node) -> str:
        """What stands for the secret's value in a key: an HMAC under the store's own salt."""
        return str(node.args["fingerprint"])

    def _fingerprint(self, plaintext: str) -> str:
        return hmac.new(self._salt, plaintext.encode(), hashlib.sha256).hexdigest()

    def patterns(self) -> Patterns:
        """What to look for: every secret that this session knows by now."""
        if len(self._known) != self._counted:
            known = set(self._known)
            self._patterns, self._counted = Patterns(known), len(known)
        return self._patterns

    def scrub(self, text: str) -> str:
        """`text` without any secret, nor its base64 or URL-encoded forms."""
        data = text.encode("utf-8", "surrogatepass")
        return self.patterns().replace(data).decode("utf-8", "surrogatepass")

    def scrubber(self) -> Scrubber:
        """Scrubs one stream."""
        return Scrubber(self.patterns)


def _read(uri: str) -> str:
    match = re.match(r"(env|file|cmd):(?://)?(.*)$", uri, re.DOTALL)
    if not match:
        raise SecretError(f"{uri!r} names no secret: use env:NAME, file:PATH or cmd:COMMAND")
    scheme, rest = match[1], match[2]
    if scheme == "env":
        if rest not in os.environ:
            raise SecretError(f'secret env var not found: "{rest[:3]}..."')
        return os.environ[rest]
    if scheme == "file":
        try:
            return Path(rest).expanduser().read_text(encoding="utf-8")
        except OSError as error:
            raise SecretError(f"secret file {rest} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SecretError(f"secret file {rest} is no UTF-8 text") from error
    return _run(rest)


def _run(command: str) -> str:
    try:
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise SecretError(f"the secret's command did not end within {COMMAND_SECONDS} s") from error
    if done.returncode:
        raise SecretError(f"the secret's command ended with exit code {done.returncode}: {done.stderr.strip()[:200]}")
    return done.stdout
