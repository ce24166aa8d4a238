"""GitRepository and GitRef."""

from collections.abc import Mapping
from typing import Any

from ci.engine.api import Context, client_only, lazy, leaf
from ci.engine.git import HEADS, TAGS
from ci.engine.nodes import Node
from ci.engine.remotes import is_local

lazy(
    "Directory.asGit", "GitRepository.head", "GitRepository.ref", "GitRepository.branch", "GitRepository.tag",
    "GitRepository.commit", "GitRepository.latestVersion", "GitRef.tree", "GitRef.commonAncestor",
)  # fmt: skip


@leaf("Query.git")
def _git(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    url = args["url"]
    if is_local(url):
        client_only(context, "Query.git of a local folder")
        url = url if url.startswith("file://") else str(context.session.host_path(url))
    return context.session.nodes.add(Node("GitRepository", "git", None, {**args, "url": url}))


@leaf("GitRepository.url")
def _url(context: Context, node: Node, _: Mapping[str, Any]) -> str | None:
    return context.session.remotes.remote(node).shown or None


@leaf("GitRepository.branches")
def _branches(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    remotes = context.session.remotes
    return remotes.repositories.names(remotes.remote(node), HEADS, args.get("patterns") or ())


@leaf("GitRepository.tags")
def _tags(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    remotes = context.session.remotes
    return remotes.repositories.names(remotes.remote(node), TAGS, args.get("patterns") or ())


@leaf("GitRef.commit")
def _commit(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.remotes.ref(node)[1].commit


@leaf("GitRef.ref")
def _ref(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.remotes.ref(node)[1].shown
