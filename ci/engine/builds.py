"""Directory.dockerBuild: a folder's Dockerfile as the recipe of a container."""

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from ci.engine import dockerfile
from ci.engine.errors import EngineError, ExecError, NotFoundError
from ci.engine.nodes import Node
from ci.engine.recipe import call
from ci.engine.state import Config
from ci.engine.store import Store

if TYPE_CHECKING:
    from ci.engine.evaluator import Evaluator

IGNORE = ".dockerignore"
Image = Callable[[str, Node], Node]


class Builds:
    """Turns the builds of one session into recipes.

    Args:
        image: the container of an image, by its reference, on a container of the platform.
    """

    def __init__(self, store: Store, evaluator: "Evaluator", image: Image) -> None:
        self._store = store
        self._evaluator = evaluator
        self._image = image

    def recipe(self, node: Node) -> Node:
        """What a recipe of Directory.dockerBuild stands for.

        Raises:
            EngineError: there is no Dockerfile, or it is wrong.
        """
        context, args = node.parent, node.args
        assert context is not None
        text = self._read(context, args["dockerfile"])
        if text is None:
            raise EngineError(f"failed to read dockerfile: open {args['dockerfile']}: no such file or directory")
        given = dockerfile.Given(
            self._ignored(context, args["dockerfile"]),
            {row["name"]: row["value"] for row in args["buildArgs"]},
            {secret_name(secret): secret for secret in args["secrets"]},
            args.get("ssh"),
            args.get("platform") or "",
            not args["noInit"],
        )
        lookups = dockerfile.Lookups(self._image, self._config, self._is_directory)
        return dockerfile.build(text, args["target"], given, lookups)

    def _read(self, context: Node, path: str) -> str | None:
        try:
            entry = self._evaluator.file(call(context, "file", path=path))
        except NotFoundError:
            return None
        return self._store.read(entry.blob).decode(errors="replace")

    def _ignored(self, context: Node, path: str) -> Node:
        """The context less what its .dockerignore names; one beside the Dockerfile, of its name, comes first."""
        text = self._read(context, f"{path}{IGNORE}")
        if text is None:
            text = self._read(context, IGNORE) or ""
        patterns = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        return call(context, "filter", exclude=patterns) if patterns else context

    def _config(self, container: Node) -> Config:
        return self._evaluator.container(container).config

    def _is_directory(self, origin: Node, path: str) -> bool:
        if posixpath.normpath(path) == "/":
            return True
        try:
            self._evaluator.tree(call(origin, "directory", path=path))
        except (NotFoundError, ExecError):
            raise
        except EngineError:
            return False
        return True


def secret_name(secret: Node) -> str:
    """The name by which a Dockerfile asks for a secret: its own, or what its URI ends with."""
    return str(secret.args.get("name") or posixpath.basename(str(secret.args.get("uri", "")).rpartition(":")[2]))
