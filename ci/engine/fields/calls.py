"""What a module's process asks: what it was called for, and where its source is."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ci.engine import hostfs
from ci.engine.api import Context, leaf
from ci.engine.errors import EngineError
from ci.engine.fields.workdir import inside
from ci.engine.nodes import Node

if TYPE_CHECKING:
    from ci.engine.functions import FunctionCall


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


@leaf("CurrentModule.dependencies")
def _module_dependencies(_: Context, __: Any, ___: Mapping[str, Any]) -> list[Node]:
    return []  # a module that has some is not loaded


@leaf("CurrentModule.workdir")
def _module_workdir(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    tree = hostfs.snapshot(context.session.store, inside(context, args["path"]), args["include"], args["exclude"])
    return context.session.nodes.add(context.session.evaluator.snapshot(tree))


@leaf("CurrentModule.workdirFile")
def _module_workdir_file(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    tree = hostfs.one_file(context.session.store, inside(context, args["path"]))
    return context.session.nodes.add(context.session.evaluator.snapshot(tree, "File"))
