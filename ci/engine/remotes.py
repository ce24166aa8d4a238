"""What Query.git and Directory.asGit name, as remotes that git reaches, and their refs."""

import base64
import re
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ci.engine import hostfs, network
from ci.engine.errors import EngineError
from ci.engine.git import COMMIT, HEADS, TAGS, Checkout, Ref, Remote, Repositories
from ci.engine.gitcli import Access
from ci.engine.nodes import Node
from ci.engine.secrets import Secrets
from ci.engine.services import hostname
from ci.engine.sockets import path_of
from ci.engine.store import Store
from ci.engine.trees import Tree

if TYPE_CHECKING:
    from ci.engine.evaluator import Evaluator

SCHEME = re.compile(r"(?:https?|ssh|git|file)://")
SCP = re.compile(r"(?:[\w.-]+@)?[\w.-]+:(?!//)\S+")  # git@HOST:PATH
TOKEN_USER = "x-access-token"  # what hosts take as the user of a token


def normal_url(url: str) -> str:
    """A URL as git takes it; one without a scheme is https's, ssh's user is `git`."""
    if url.startswith("ssh://") and "@" not in url.partition("//")[2].partition("/")[0]:
        return f"ssh://git@{url.removeprefix('ssh://')}"
    if SCHEME.match(url) or url.startswith("/") or SCP.fullmatch(url):
        return url
    return f"https://{url}"


def is_local(url: str) -> bool:
    """Whether a URL is a folder of this machine."""
    return url.startswith(("file://", "/", "./", "../")) or url in (".", "..")


class Remotes:
    """The git repositories that the recipes of one session name.

    Args:
        host_endpoint: where this process reaches a service, started if it was not (`ADDRESS:PORT`).
    """

    def __init__(
        self,
        store: Store,
        repositories: Repositories,
        evaluator: "Evaluator",
        secrets: Secrets,
        host_endpoint: Callable[[Node], str],
    ) -> None:
        self._store = store
        self.repositories = repositories
        self._evaluator = evaluator
        self._secrets = secrets
        self._host_endpoint = host_endpoint
        self._scratch = tempfile.TemporaryDirectory(prefix="cutover-git-", ignore_cleanup_errors=True)

    def close(self) -> None:
        """Remove the folders of Directory.asGit."""
        self._scratch.cleanup()

    # Repositories

    def remote(self, node: Node) -> Remote:
        """The remote that a GitRepository is."""
        if node.field == "asGit":
            assert node.parent is not None
            return Remote(str(self._written(self._evaluator.tree(node.parent))))
        url = normal_url(node.args["url"])
        return Remote(url, self._access(url, node.args), url)

    def _written(self, tree: Tree) -> Path:
        """A folder that holds a tree."""
        place = Path(self._scratch.name) / tree.digest
        if not place.exists():
            hostfs.write_tree(self._store, tree, place)
        return place

    def _access(self, url: str, args: Any) -> Access:
        settings: list[tuple[str, str]] = []
        environment: dict[str, str] = {}
        if (bundle := network.bundle()) is not None:
            environment["GIT_SSL_CAINFO"] = bundle
        if header := self._header(args):
            settings.append(("http.extraHeader", f"Authorization: {header}"))
        if args.get("experimentalServiceHost") is not None:
            settings.append(self._at_service(url, args["experimentalServiceHost"]))
        if args.get("sshAuthSocket") is not None:
            environment["SSH_AUTH_SOCK"] = path_of(args["sshAuthSocket"])
        return Access(tuple(settings), {**environment, "GIT_SSH_COMMAND": self._ssh(args["sshKnownHosts"])})

    def _header(self, args: Any) -> str:
        if args.get("httpAuthHeader") is not None:
            return self._secrets.plaintext(args["httpAuthHeader"])
        if args.get("httpAuthToken") is None:
            return ""
        token = self._secrets.plaintext(args["httpAuthToken"])
        pair = f"{args['httpAuthUsername'] or TOKEN_USER}:{token}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _at_service(self, url: str, service: Node) -> tuple[str, str]:
        """The setting by which a URL that names a service is reached at its address."""
        endpoint = self._host_endpoint(service)
        parts = urlsplit(url)
        if parts.hostname != hostname(service):
            return f"url.{url}.insteadOf", url
        return f"url.{parts.scheme}://{endpoint}/.insteadOf", f"{parts.scheme}://{parts.netloc}/"

    def _ssh(self, known_hosts: str) -> str:
        options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
        if not known_hosts:
            return shlex.join(["ssh", *options, "-o", "StrictHostKeyChecking=accept-new"])
        with tempfile.NamedTemporaryFile("w", dir=self._scratch.name, delete=False, encoding="utf-8") as file:
            file.write(known_hosts)
        return shlex.join(["ssh", *options, "-o", f"UserKnownHostsFile={file.name}", "-o", "StrictHostKeyChecking=yes"])

    # Refs

    def ref(self, node: Node) -> tuple[Remote, Ref]:
        """The ref that a GitRef is, and its remote.

        Raises:
            EngineError: the repository has none such, or cannot be read.
        """
        repository = node.parent
        assert repository is not None
        if node.field == "commonAncestor":
            other: Node = node.args["other"]
            one = self.ref(repository)
            return one[0], self.repositories.common_ancestor(one, self.ref(other))
        remote = self.remote(repository)
        if node.field == "latestVersion":
            return remote, self.repositories.latest_version(remote)
        return remote, self.repositories.lookup(remote, _name(node))

    def tree(self, node: Node) -> Tree:
        """What GitRef.tree gives."""
        assert node.parent is not None
        args = node.args
        remote, ref = self.ref(node.parent)
        checkout = Checkout(args["discardGitDir"], args["depth"], args["includeTags"])
        return self.repositories.tree(remote, ref, checkout)


def _name(node: Node) -> str:
    """The name by which a GitRef is looked up."""
    if node.field == "head":
        return "HEAD"
    if node.field == "branch":
        return HEADS + str(node.args["name"]).removeprefix(HEADS)
    if node.field == "tag":
        return TAGS + str(node.args["name"]).removeprefix(TAGS)
    if node.field == "commit":
        commit = str(node.args["id"])
        if not COMMIT.fullmatch(commit):
            raise EngineError(f'invalid commit SHA: "{commit}"')
        return commit
    return str(node.args["name"])
