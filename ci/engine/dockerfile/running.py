"""RUN, with its mounts.

Source: https://docs.docker.com/reference/dockerfile/#run.
"""

import csv
import posixpath
from typing import TYPE_CHECKING

from ci.engine.dockerfile.errors import InstructionNotServedError
from ci.engine.dockerfile.parse import Instruction
from ci.engine.nodes import Node
from ci.engine.recipe import call

if TYPE_CHECKING:
    from ci.engine.dockerfile.stage import Stage

SECRETS = "/run/secrets"
SCRIPTS = "/dev/pipes"  # where a here-document with a `#!` lies while it runs
SSH_AGENT = "/run/buildkit/ssh_agent.0"
SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def run(stage: "Stage", row: Instruction) -> None:
    """RUN: what it needs beside the file system is there for this one command only."""
    for flag, served in (("network", ("", "default")), ("security", ("", "sandbox", "insecure"))):
        if row.flag(flag) not in served:
            raise InstructionNotServedError(row.line, f"RUN --{flag}={row.flag(flag)}")
    undo: list[tuple[str, dict[str, str]]] = []
    for name, value in stage.arguments.items():
        stage.add("withEnvVariable", name=name, value=value)
        undo.append(("withoutEnvVariable", {"name": name}))
    for text in row.flags_of("mount"):
        undo += _mounted(stage, row, stage.words(row).one(text))
    args = _command(stage, row, undo)
    insecure = row.flag("security") == "insecure"
    stage.add("withExec", args=args, noInit=not stage.build.given.init, insecureRootCapabilities=insecure)
    for field, arguments in reversed(undo):
        stage.add(field, **arguments)


def _command(stage: "Stage", row: Instruction, undo: list[tuple[str, dict[str, str]]]) -> list[str]:
    """The command: here-documents are the shell's own, but where nothing else stands they are the script."""
    if not row.heredocs:
        return stage.command(row)
    first = row.heredocs[0]
    alone = len(row.heredocs) == 1 and row.text.replace("<<-", "<<").replace('"', "").replace("'", "") == (
        f"<<{first.name}"
    )
    if alone and first.text.startswith("#!"):
        path = f"{SCRIPTS}/{first.name}"
        script = call(None, "file", name=first.name, contents=first.text, permissions=0o755)
        stage.add("withMountedFile", path=path, source=script)
        undo.append(("withoutMount", {"path": path}))
        return [path]
    if alone:
        return stage.command(Instruction(row.line, row.name, first.text))
    documents = "".join(f"\n{heredoc.text}{heredoc.name}" for heredoc in row.heredocs)
    return stage.command(Instruction(row.line, row.name, row.text + documents))


def _mounted(stage: "Stage", row: Instruction, text: str) -> list[tuple[str, dict[str, str]]]:
    """Add one mount; gives what takes it away again."""
    options = dict(item.partition("=")[::2] for item in next(csv.reader([text])))
    kind = options.get("type", "bind")
    if kind not in KINDS:
        raise row.error(f"unsupported mount type {kind!r}")
    target = options.get("target") or options.get("dst") or options.get("destination") or ""
    return KINDS[kind](stage, row, options, stage.path(target) if target else "")


Options = dict[str, str]
Undo = list[tuple[str, dict[str, str]]]


def _cache(stage: "Stage", row: Instruction, options: Options, target: str) -> Undo:
    if not target:
        raise row.error("a mount of type cache needs a target")
    volume = call(None, "cacheVolume", key=f"dockerfile:{options.get('id') or target}")
    source = _origin(stage, row, options) if "from" in options else None
    if source is not None and source.type == "Container":
        source = call(source, "directory", path=options.get("source", "/"))
    sharing = options.get("sharing", "shared").upper()
    stage.add("withMountedCache", path=target, cache=volume, source=source, sharing=sharing, owner=_owner(options))
    return [("withoutMount", {"path": target})]


def _bind(stage: "Stage", row: Instruction, options: Options, target: str) -> Undo:
    if not target:
        raise row.error("a mount of type bind needs a target")
    origin = _origin(stage, row, options)
    path = posixpath.normpath(posixpath.join("/", options.get("source") or options.get("src") or "/"))
    if stage.build.lookups.is_directory(origin, path):
        whole = origin.type == "Directory" and path == "/"
        source = origin if whole else call(origin, "directory", path=path)
        stage.add("withMountedDirectory", path=target, source=source)
    else:
        stage.add("withMountedFile", path=target, source=call(origin, "file", path=path))
    return [("withoutMount", {"path": target})]


def _secret(stage: "Stage", row: Instruction, options: Options, target: str) -> Undo:
    name = options.get("id") or posixpath.basename(target) or options.get("env", "")
    secret = stage.build.given.secrets.get(name)
    if secret is None:
        if options.get("required", "false") in ("", "true"):
            raise row.error(f"secret {name}: not found")
        return []
    undo: Undo = []
    if "env" in options:
        variable = options["env"] or name
        stage.add("withSecretVariable", name=variable, secret=secret)
        undo.append(("withoutSecretVariable", {"name": variable}))
    if target or "env" not in options:
        path = target or f"{SECRETS}/{name}"
        mode = int(options.get("mode", "0400"), 8)
        stage.add("withMountedSecret", path=path, source=secret, mode=mode, owner=_owner(options))
        undo.append(("withoutMount", {"path": path}))
    return undo


def _tmpfs(stage: "Stage", row: Instruction, options: Options, target: str) -> Undo:
    if not target:
        raise row.error("a mount of type tmpfs needs a target")
    size = options.get("size", "")
    unit = SIZES.get(size[-1:].lower(), 1)
    stage.add("withMountedTemp", path=target, size=int(size.rstrip("kKmMgG")) * unit if size else None)
    return [("withoutMount", {"path": target})]


def _ssh(stage: "Stage", row: Instruction, options: Options, target: str) -> Undo:
    socket = stage.build.given.ssh
    if socket is None:
        if options.get("required", "false") in ("", "true"):
            raise row.error("no SSH socket was given (dockerBuild's ssh)")
        return []
    path = target or SSH_AGENT
    stage.add("withUnixSocket", path=path, source=socket, owner=_owner(options))
    stage.add("withEnvVariable", name="SSH_AUTH_SOCK", value=path)
    return [("withoutUnixSocket", {"path": path}), ("withoutEnvVariable", {"name": "SSH_AUTH_SOCK"})]


KINDS = {"cache": _cache, "bind": _bind, "secret": _secret, "tmpfs": _tmpfs, "ssh": _ssh}


def _origin(stage: "Stage", row: Instruction, options: Options) -> Node:
    name = options.get("from", "")
    return stage.build.source(row, name, stage.number) if name else stage.build.given.context


def _owner(options: Options) -> str:
    user, group = options.get("uid", ""), options.get("gid", "")
    return f"{user or 0}:{group or user or 0}" if user or group else ""
