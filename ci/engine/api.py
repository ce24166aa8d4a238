"""Resolves the fields of the API. A field that gives an object makes a recipe; a field that gives a value evaluates
one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLArgument, GraphQLResolveInfo, get_named_type, is_leaf_type, is_object_type

from ci.engine import containers, directories, hostfs, oci
from ci.engine.errors import EngineError, NotServedError
from ci.engine.nodes import Node
from ci.engine.session import Session
from ci.engine.state import Port
from ci.engine.trees import clean

if TYPE_CHECKING:
    from ci.engine.functions import FunctionCall, LoadedModule

VERSION = "v0.21.8"  # of the API served


@dataclass(frozen=True)
class Context:
    """Who asks: the session, the module it serves, and the function call in whose name a module's process asks (None:
    a client)."""

    session: Session
    module: "LoadedModule | None" = None
    call: "FunctionCall | None" = None


Leaf = Callable[[Context, Any, Mapping[str, Any]], Any]
LEAVES: dict[str, Leaf] = {}
# Recipes that are kept as they are made, and read when something of them is asked for.
LAZY = {
    "Directory.file", "Query.container", "Query.directory", "Query.file", "Query.cacheVolume", "Query.host",
    "Query.typeDef", "Query.function",
    "Query.module", "Query.error", "Query.sourceMap", "Container.directory", "Container.file", "Container.rootfs",
    "Container.asTarball", "Container.asService", "Service.withHostname", "Error.withValue", "Host.service",
    "Host.tunnel",
}  # fmt: skip
# Arguments that change what a field gives, and that no field of this engine heeds.
UNSERVED_ARGUMENTS = (
    "gitignore",
    "offsetLines",
    "limitLines",
    "excludeMetadata",
    "doNotFollowSymlinks",
    "expectedType",
)
LAZY_PREFIXES = ("TypeDef.with", "Function.with", "Module.with")


def leaf(*names: str) -> Callable[[Leaf], Leaf]:
    """Register the resolver of the fields `Type.name`."""

    def register(function: Leaf) -> Leaf:
        for name in names:
            LEAVES[name] = function
        return function

    return register


def resolve(parent: Any, info: GraphQLResolveInfo[Context], **raw: Any) -> Any:
    """The one resolver of every field."""
    context: Context = info.context
    name = f"{info.parent_type.name}.{info.field_name}"
    field = info.parent_type.fields[info.field_name]
    args = {key: _argument(context, field.args[key], value) for key, value in raw.items()}
    if context.module is not None and (function := context.module.function(info.parent_type.name, info.field_name)):
        return context.module.resolve(context, function, parent, args)
    for unserved in (argument for argument in UNSERVED_ARGUMENTS if args.get(argument)):
        raise NotServedError(f"{name}({unserved})")
    if found := LEAVES.get(name):
        return found(context, parent, args)
    kind = get_named_type(field.type)
    if is_object_type(kind) and served(name):
        return context.session.nodes.add(Node(kind.name, info.field_name, parent, args))
    if is_leaf_type(kind) and isinstance(parent, Node) and info.field_name in parent.args:
        return parent.args[info.field_name]
    raise NotServedError(name)


def served(name: str) -> bool:
    """Whether a field `Type.name` is served."""
    kind, _, field = name.partition(".")
    return (
        name in LEAVES
        or name in LAZY
        or name in directories.TREES
        or (kind == "Container" and field in containers.CHANGES)
        or name.startswith(LAZY_PREFIXES)
    )


def _argument(context: Context, argument: GraphQLArgument, value: Any) -> Any:
    """An argument's value, ids replaced by what they name."""
    expected = expected_type(argument)
    if expected is None or value is None:
        return value
    if isinstance(value, list):
        return [context.session.nodes.get(item, expected) for item in value]
    return context.session.nodes.get(value, expected)


def expected_type(element: Any) -> str | None:
    """The object type that @expectedType names on an argument or field."""
    for directive in (element.ast_node and element.ast_node.directives) or ():
        if directive.name.value == "expectedType":
            return str(directive.arguments[0].value.value)
    return None


# Every object


@leaf(
    *(f"{kind}.id" for kind in (
        "CacheVolume", "Container", "Directory", "EnvVariable", "Error", "ErrorValue", "File", "Function",
        "FunctionCallArgValue",
        "Host", "Label", "Module", "Port", "Secret", "Service", "Socket", "SourceMap", "TypeDef",
    ))
)  # fmt: skip
def _id(_: Context, node: Any, __: Mapping[str, Any]) -> str:
    return str(node.id)


@leaf("Query.node")
def _node(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    return context.session.nodes.get(args["id"])


@leaf("Query.version")
def _version(_: Context, __: Any, ___: Mapping[str, Any]) -> str:
    return VERSION


@leaf("Query.defaultPlatform", "Container.platform")
def _platform(_: Context, __: Any, ___: Mapping[str, Any]) -> str:
    return f"linux/{oci.architecture()}"


# Container


@leaf("Container.from")
def _from(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    return context.session.nodes.add(context.session.image(args["address"], node))


@leaf("Container.sync", "Directory.sync", "File.sync")
def _sync(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    if node.type == "Container":
        context.session.evaluator.image(node)
    else:
        context.session.evaluator.tree(node)
    return node.id


def _outcome(name: str) -> Leaf:
    def resolver(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
        outcome = context.session.evaluator.run(node)
        if outcome is None:
            raise EngineError("no command has been set")
        return getattr(outcome, name)

    return resolver


for _field, _attribute in (
    ("stdout", "stdout"), ("stderr", "stderr"), ("combinedOutput", "combined"), ("exitCode", "exit_code"),
):  # fmt: skip
    LEAVES[f"Container.{_field}"] = _outcome(_attribute)


@leaf("Container.envVariable")
def _env_variable(context: Context, node: Node, args: Mapping[str, Any]) -> str | None:
    return context.session.evaluator.container(node).config.env.get(args["name"])


@leaf("Container.label")
def _label(context: Context, node: Node, args: Mapping[str, Any]) -> str | None:
    return context.session.evaluator.container(node).config.labels.get(args["name"])


@leaf("Container.envVariables")
def _env_variables(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return _pairs(context, "EnvVariable", context.session.evaluator.container(node).config.env)


@leaf("Container.labels")
def _labels(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return _pairs(context, "Label", context.session.evaluator.container(node).config.labels)


def _pairs(context: Context, kind: str, pairs: Mapping[str, str]) -> list[Node]:
    rows = [Node(kind, "value", None, {"name": name, "value": value}) for name, value in pairs.items()]
    return [context.session.nodes.add(row) for row in rows]


def _config(name: str) -> Leaf:
    def resolver(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
        value = getattr(context.session.evaluator.container(node).config, name)
        return list(value) if isinstance(value, tuple) else value

    return resolver


for _field, _attribute in (
    ("workdir", "workdir"), ("user", "user"), ("entrypoint", "entrypoint"), ("defaultArgs", "default_args"),
):  # fmt: skip
    LEAVES[f"Container.{_field}"] = _config(_attribute)


@leaf("Container.exposedPorts")
def _exposed(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return _ports(context, context.session.evaluator.container(node).config.ports)


def _ports(context: Context, ports: tuple[Port, ...]) -> list[Node]:
    rows = [
        {
            "port": p.port,
            "protocol": p.protocol,
            "description": p.description,
            "experimentalSkipHealthcheck": p.skip_healthcheck,
        }
        for p in ports
    ]
    return [context.session.nodes.add(Node("Port", "value", None, row)) for row in rows]


@leaf("Container.mounts")
def _mounts(context: Context, node: Node, _: Mapping[str, Any]) -> list[str]:
    return [mount.path for mount in context.session.evaluator.container(node).mounts]


@leaf("Container.imageRef")
def _image_ref(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return str(context.session.evaluator.container(node).image_ref)


@leaf("Container.export")
def _export_image(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    settings = {"platformVariants": [], "forcedCompression": None, "mediaTypes": args["mediaTypes"]}
    return str(_export(context, Node("File", "asTarball", node, settings), args))


@leaf("Container.up")
def _container_up(context: Context, node: Node, args: Mapping[str, Any]) -> None:
    service = {key: value for key, value in args.items() if key not in ("ports", "random")}
    context.session.services.up(
        Node("Service", "asService", node, service), context.session.evaluator, args["ports"], args["random"]
    )


# Directory and File


@leaf("Directory.entries")
def _entries(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    tree, path = context.session.evaluator.tree(node), args.get("path") or ""
    if not tree.holds_directory(path):
        raise EngineError(f"stat {path}: no such directory")
    return [e.path.rpartition("/")[2] + ("/" if e.kind == "d" else "") for e in tree.children(path)]


@leaf("Directory.glob")
def _glob(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    return list(context.session.evaluator.tree(node).glob(args["pattern"]))


@leaf("Directory.digest", "File.digest")
def _digest(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return f"sha256:{context.session.evaluator.tree(node).digest}"


@leaf("Directory.name")
def _directory_name(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    return clean(str(node.args.get("path", ""))).rpartition("/")[2] + "/"


@leaf("Directory.exists")
def _exists(context: Context, node: Node, args: Mapping[str, Any]) -> bool:
    tree = context.session.evaluator.tree(node)
    return tree.get(args["path"]) is not None or not clean(args["path"])


@leaf("File.contents")
def _contents(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.store.read(context.session.evaluator.file(node).blob).decode(errors="replace")


@leaf("File.size")
def _size(context: Context, node: Node, _: Mapping[str, Any]) -> int:
    return context.session.evaluator.file(node).size


@leaf("File.name")
def _name(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.evaluator.file(node).path


@leaf("Directory.export", "File.export")
def _export(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    _client_only(context, f"{node.type}.export")
    session = context.session
    tree, place = session.evaluator.tree(node), session.host_path(args["path"])
    if node.type == "Directory":
        hostfs.write_tree(session.store, tree, place, args["wipe"])
    else:
        if args.get("allowParentDirPath") and place.is_dir():
            place /= tree.entries[0].path
        hostfs.write_file(session.store, tree.entries[0], place)
    return str(place)


# Host: what the module's functions cannot reach, only clients can


def _client_only(context: Context, field: str) -> None:
    if context.call is not None:
        raise EngineError(
            f"{field} is not available to a module's function: it has no host; pass what it needs as an argument"
        )


@leaf("Host.directory")
def _host_directory(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    _client_only(context, "Host.directory")
    return context.session.nodes.add(context.session.host_directory(args["path"], args["include"], args["exclude"]))


@leaf("Host.file")
def _host_file(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    _client_only(context, "Host.file")
    return context.session.nodes.add(context.session.host_file(args["path"]))


# Service


@leaf("Service.start", "Service.sync")
def _start(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    context.session.services.address(node, context.session.evaluator)
    return node.id


@leaf("Service.stop")
def _stop(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    context.session.services.stop(node)
    return node.id


@leaf("Service.up")
def _up(context: Context, node: Node, args: Mapping[str, Any]) -> None:
    context.session.services.up(node, context.session.evaluator, args["ports"], args["random"])


@leaf("Service.ports")
def _service_ports(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    if node.parent is None or node.parent.type != "Container":
        return _ports(context, tuple(Port(int(port["backend"])) for port in node.args.get("ports", ())))
    return _ports(context, context.session.evaluator.container(node.parent).config.ports)


# Secret


@leaf("Query.setSecret")
def _set_secret(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    return context.session.nodes.add(context.session.secrets.set(args["name"], args["plaintext"]))


@leaf("Query.secret")
def _secret(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    _client_only(context, "Query.secret")
    return context.session.nodes.add(context.session.secrets.from_uri(args["uri"]))


@leaf("Secret.plaintext")
def _plaintext(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.secrets.plaintext(node)


@leaf("Secret.name", "Secret.uri")
def _secret_name(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    return str(node.args.get("name") or node.args.get("uri"))


# A module's process asks what it was called for


def _call(context: Context) -> "FunctionCall":
    if context.call is None:
        raise EngineError("no function is being called")
    return context.call


@leaf("Query.currentFunctionCall")
def _current_call(context: Context, _: Any, __: Mapping[str, Any]) -> Any:
    return _call(context)


@leaf("FunctionCall.name")
def _call_name(_: Context, call: Any, __: Mapping[str, Any]) -> str:
    return str(call.name)


@leaf("FunctionCall.parentName")
def _call_parent_name(_: Context, call: Any, __: Mapping[str, Any]) -> str:
    return str(call.parent_name)


@leaf("FunctionCall.parent")
def _call_parent(_: Context, call: Any, __: Mapping[str, Any]) -> str:
    return json.dumps(call.parent)


@leaf("FunctionCall.inputArgs")
def _call_args(context: Context, call: Any, _: Mapping[str, Any]) -> list[Node]:
    rows = [{"name": name, "value": json.dumps(value)} for name, value in call.args.items()]
    return [context.session.nodes.add(Node("FunctionCallArgValue", "value", None, row)) for row in rows]


@leaf("FunctionCall.returnValue")
def _return_value(_: Context, call: Any, args: Mapping[str, Any]) -> None:
    call.value = json.loads(args["value"])
    call.returned = True


@leaf("FunctionCall.returnError")
def _return_error(_: Context, call: Any, args: Mapping[str, Any]) -> None:
    call.error = args["error"]


@leaf("Query.currentModule")
def _current_module(context: Context, _: Any, __: Mapping[str, Any]) -> Any:
    _call(context)
    return context.module


@leaf("CurrentModule.source")
def _module_source(_: Context, module: Any, __: Mapping[str, Any]) -> Node:
    source: Node = module.source
    return source


@leaf("CurrentModule.name")
def _module_name(_: Context, module: Any, __: Mapping[str, Any]) -> str:
    return str(module.name)
