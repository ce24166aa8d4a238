"""`up`, `status` and `down`, from the side of whoever calls them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.local.errors import PortBusy, ProgramMissing, ServerFailed
from infra.local.kept.folder import StateFolder
from infra.local.processes import HAPROXY, SERVER, Ledger, end
from infra.local.progress import PROGRESS, READY
from infra.local.state import StateDirectory

PROGRAMS = {"haproxy": "haproxy", "docker-registry": "docker-registry"}
READY_SECONDS, ANSWER_SECONDS, POLL_SECONDS = 60.0, 10.0, 0.05
REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
LOG_TAIL = 600


@dataclass(frozen=True)
class ListenerStatus:
    """A listener's port on AWS, and the URL that reaches it from this machine."""

    port: int
    url: str


@dataclass(frozen=True)
class LoadBalancerStatus:
    """A load balancer; its oldest listener first."""

    name: str
    dns_name: str
    listeners: tuple[ListenerStatus, ...]


@dataclass(frozen=True)
class Status:
    """A running instance."""

    endpoint: str
    load_balancers: tuple[LoadBalancerStatus, ...] = ()
    certificate_authority: str = ""  # the file that clients of HTTPS listeners have to trust

    def to_dict(self) -> dict[str, Any]:
        """The document of `status --json`."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


def up(
    port: int,
    minute: float,
    progress: Callable[[str], None],
    *,
    enforce_iam: bool = False,
    state: Path | None = None,
) -> Status:
    """Start an instance, or say that one runs. `minute` is how many seconds AWS's minutes last.

    With `enforce_iam` calls are refused where the caller's policies do not allow them. `state` is a folder in which
    records, images and certificates are kept; those that are there are taken over, with the containers that still run,
    and a HAProxy that does serves on.

    Raises LocalAwsError. An interrupted start leaves nothing behind.
    """
    running = status(port)
    if running is not None:
        progress(f"AWS on this machine is up already: {running.endpoint}")
        return running
    _check_programs()
    folder = _opened(state)
    files = StateDirectory.of(port)
    serving = _serving(files, folder)
    _end_processes(files, progress, spared=serving)
    if not serving:
        _check_port(port)
    _make_room(files, folder, spared=serving)
    try:
        _start(files, minute, progress, _options(enforce_iam, folder))
    except BaseException:
        _end_processes(files, lambda text: None)
        _remove_things(files, keep_log=True)
        raise
    return _ask_status(port) or Status(f"http://127.0.0.1:{port}")


def status(port: int) -> Status | None:
    """What runs on that port, or None."""
    record = Ledger(StateDirectory.of(port).processes).read().get(SERVER)
    return _ask_status(port) if record is not None and record.alive else None


def down(port: int) -> bool:
    """Stop the instance and remove all that it made; says whether there was anything."""
    state = StateDirectory.of(port)
    _end_processes(state, lambda text: None)
    if not state.root.exists() and not _port_is_free(port):
        return False  # what stands there was started with another state directory, or is no instance at all
    return _remove_things(state)


def _opened(state: Path | None) -> StateFolder | None:
    return None if state is None else StateFolder.open(state)


def _options(enforce_iam: bool, folder: StateFolder | None) -> list[str]:
    kept = [] if folder is None else ["--kept", str(folder.path)]
    return [*(["--enforce-iam"] if enforce_iam else []), *kept]


def _serving(files: StateDirectory, folder: StateFolder | None) -> str:
    """The name of the process that serves production on behalf of the records in the folder, or nothing."""
    record = Ledger(files.processes).read().get(HAPROXY)
    return HAPROXY if folder is not None and folder.used and record is not None and record.alive else ""


def _make_room(files: StateDirectory, folder: StateFolder | None, *, spared: str) -> None:
    """Remove what an earlier instance left; containers are left to the records in the folder, which may know them."""
    if folder is not None:
        folder.claim()
        folder.release()
    if folder is None or not folder.used:
        _remove_things(files)
    elif files.root.exists():
        _remove_files(files, keep_log=False, spared=spared)


def _check_programs() -> None:
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None and not Path("/usr/sbin", program).exists():
            raise ProgramMissing(program, package)


def _check_port(port: int) -> None:
    if not _port_is_free(port):
        raise PortBusy(port)


def _port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _end_processes(state: StateDirectory, progress: Callable[[str], None], *, spared: str = "") -> None:
    """End what runs of an instance, the server first, which ends the others by itself."""
    records = Ledger(state.processes).read()
    for name in sorted(records, key=lambda each: each != SERVER):
        if records[name].alive and name != spared:
            progress(f"ending {name} (process {records[name].pid}) of an earlier instance")
            end(records[name])


def _remove_things(state: StateDirectory, *, keep_log: bool = False) -> bool:
    """Remove an instance's containers, network and files; says whether there were any."""
    from infra.local.runtime.docker import connect, remove_all

    found = state.root.exists()
    with contextlib.closing(connect()) as client:
        found = remove_all(client, state.port) > 0 or found
    if state.root.exists():
        _remove_files(state, keep_log=keep_log)
    return found


def _remove_files(state: StateDirectory, *, keep_log: bool, spared: str = "") -> None:
    """Remove the instance's files, but those of the process that is spared, which the ledger knows."""
    for path in state.root.iterdir():
        if spared and (path.name.startswith(spared) or path == state.processes):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        elif not keep_log or path.suffix != ".log":
            path.unlink()
    if not keep_log and not spared:
        state.root.rmdir()
        with contextlib.suppress(OSError):  # other instances may be in there
            state.root.parent.rmdir()


def _start(state: StateDirectory, minute: float, progress: Callable[[str], None], options: list[str]) -> None:
    state.root.mkdir(parents=True, exist_ok=True)
    _ = state.api_socket, state.registry_socket, state.haproxy_socket  # fails now where a path is too long
    command = [sys.executable, "-m", "infra.local.server", "--port", str(state.port), "--minute", str(minute),
               "--state", str(state.root), *options]  # fmt: skip
    state.log.write_bytes(b"")
    process = Ledger(state.processes).start(SERVER, command, state.log, _environment())
    for line in _progress_lines(state, process):
        if line == READY:
            break
        progress(line)
    _let_go(process)


def _environment() -> dict[str, str]:
    """The server finds this package wherever its starter did, and never calls the real AWS."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY_ROOT), os.environ.get("PYTHONPATH")]))
    secret = ("AWS_", "COV_CORE_", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(secret)}
    return {**kept, "PYTHONPATH": path, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}


def _progress_lines(state: StateDirectory, process: subprocess.Popen[bytes]) -> Iterator[str]:
    """The server's progress, as it comes; raises ServerFailed when it ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    seen = 0
    while True:
        lines = [line for line in state.log.read_text(errors="replace").splitlines() if line.startswith(PROGRESS)]
        for line in lines[seen:]:
            yield line.removeprefix(PROGRESS)
        seen = len(lines)
        if process.poll() is not None:
            raise ServerFailed(_last_words(state.log), state.log)
        if time.monotonic() > deadline:
            raise ServerFailed(f"it was not ready within {READY_SECONDS:.0f} seconds", state.log)
        time.sleep(POLL_SECONDS)


def _last_words(log_file: Path) -> str:
    lines = log_file.read_text(errors="replace").strip().splitlines()
    return lines[-1][-LOG_TAIL:] if lines else "it ended without a word"


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """The server is meant to outlive us; Popen warns of that unless it believes that the process ended."""
    process.returncode = 0


def _ask_status(port: int) -> Status | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/_cutover/status")
        answer = connection.getresponse()
        document = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return _parsed(document)


def _parsed(document: dict[str, Any]) -> Status:
    balancers = [
        LoadBalancerStatus(
            each["name"],
            each["dns_name"],
            tuple(ListenerStatus(listener["port"], listener["url"]) for listener in each["listeners"]),
        )
        for each in document["load_balancers"]
    ]
    return Status(document["endpoint"], tuple(balancers), document["certificate_authority"])
