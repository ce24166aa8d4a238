"""What a function is called with: what was given, else what its DefaultPath, DefaultAddress or default value says."""

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ci.engine import platforms
from ci.engine.errors import ContextPathError, EngineError, InvalidArgumentError, ModuleLoadError
from ci.engine.modules.config import ModuleConfig
from ci.engine.nodes import Node
from ci.engine.typedefs import Argument, Function, ModuleTypes, TypeRef, camel

if TYPE_CHECKING:
    from ci.engine.session import Session

INTERFACE = "asInterface"  # the field of a recipe that shows an object as an interface
GIT = ("GitRepository", "GitRef")
HERE = (".", ".git")  # the default paths by which a git argument is the module's own repository


class Arguments:
    """The arguments of one module's functions, as its process gets them: JSON, objects by their ids."""

    def __init__(self, session: "Session", config: ModuleConfig, types: ModuleTypes) -> None:
        self._session = session
        self._config = config
        self._types = types

    def of(self, function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that `function` gets of those that were given, by their names in the module.

        Raises:
            EngineError: a default path is not there, or lies outside of the module's context directory.
        """
        inputs: dict[str, Any] = {}
        for arg in function.args:
            value = given.get(camel(arg.name))
            if value is not None:
                inputs[arg.name] = self._plain(arg.type, self._left(arg, value))
            elif arg.default_path or arg.default_address:
                inputs[arg.name] = self._session.nodes.add(self._default(arg)).id
            elif arg.default is not None:
                inputs[arg.name] = json.loads(arg.default)
        return inputs

    def _left(self, arg: Argument, value: Any) -> Any:
        """A directory that was given, without what the argument ignores."""
        if not arg.ignore or not isinstance(value, Node) or value.type != "Directory":
            return value
        wanted = {"include": [], "exclude": list(arg.ignore), "gitignore": False}
        return self._session.nodes.add(Node("Directory", "filter", value, wanted))

    def _plain(self, ref: TypeRef, value: Any) -> Any:
        """An argument's value as JSON: the module's own objects by their state, all others by their ids."""
        if isinstance(value, list) and ref.element is not None:
            return [self._plain(ref.element, item) for item in value]
        if ref.kind == "INTERFACE_KIND":
            return self._session.nodes.add(self._shown_as(ref.name, self._session.nodes.get(value))).id
        if not isinstance(value, Node):
            return platforms.normal(value) if ref.name == "Platform" else value
        return value.args["state"] if self._types.object(value.type) else value.id

    def _shown_as(self, name: str, node: Node) -> Node:
        """An object as one of the module's interfaces.

        Raises:
            InvalidArgumentError: it lacks one of the interface's functions.
        """
        if node.field == INTERFACE and node.type == name:
            return node
        own, interface = self._types.object(node.type), self._types.object(name)
        has = {item.name for item in own.functions} | {field[0] for field in own.fields} if own else set()
        missing = [item.name for item in interface.functions if item.name not in has] if interface else []
        if missing:
            raise InvalidArgumentError(f"{node.type} does not implement {name}: it lacks {', '.join(missing)}")
        return Node(name, INTERFACE, node)

    def _default(self, arg: Argument) -> Node:
        """What an argument is that was left out."""
        if arg.default_address:
            return self._session.image(arg.default_address, Node("Container", "container"))
        try:
            if arg.type.name in GIT:
                return self._repository(arg)
            place = str(self._config.default(arg.default_path))
            if arg.type.name == "File":
                return self._session.host_file(place)
            return self._session.host_directory(place, [], list(arg.ignore))
        except ModuleLoadError:
            raise  # says all of it
        except EngineError as error:
            raise ContextPathError(camel(arg.name), arg.type.name, arg.default_path, str(error)) from error

    def _repository(self, arg: Argument) -> Node:
        """The git repository, or its HEAD, that a default path names: the module's own, or that of a URL."""
        from ci.engine.recipe import call

        url, _, name = arg.default_path.partition("#")
        if os.path.normpath(url.strip("/")) in HERE:
            folder = self._session.host_directory(str(self._config.default("/.git")), [], [])
            repository = call(folder, "asGit")
        elif "://" in url:
            repository = call(None, "git", url=url)
        else:
            raise EngineError(f'it is no git URL, and only "/" and "/.git" name a local repository: {url!r}')
        if arg.type.name == "GitRepository":
            return repository
        return call(repository, "ref", name=name) if name else call(repository, "head")
