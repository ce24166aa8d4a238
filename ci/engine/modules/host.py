"""Calls a module's functions. Runs in the module's own interpreter, and imports nothing of Cutover.

The SDK and the module are imported once; each call is answered by the SDK's own entry point in a fork of this process,
so nothing that one call leaves in memory is seen by the next. Calls come over the socket that is standard input: a JSON
line with the working folder and the environment, and two descriptors, for what is printed and for the exit code.
"""

import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

LARGEST = 1 << 16  # bytes of a call's line
TASKS = Path("/proc/self/task")  # one entry a thread


def main() -> None:
    """Answer calls until the socket is closed; started with a descriptor as argument, answer the one call that is in
    the environment."""
    if len(sys.argv) > 1:
        _told(int(sys.argv[1]))
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _import()
    gc.freeze()
    # Forked threads are gone while their locks may be held: a module that starts some begins anew for each call.
    fresh = not TASKS.is_dir() or len(list(TASKS.iterdir())) > 1
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the calls: exit codes come by descriptor
    while True:
        line, descriptors, _, _ = socket.recv_fds(control, LARGEST, 2)
        if not line:
            return
        control.send(b".")
        if os.fork() == 0:
            control.close()
            _answer(json.loads(line), descriptors[0], descriptors[1], fresh)
        for descriptor in descriptors:
            os.close(descriptor)


def _import() -> None:
    """Import the SDK and the module. A failure is met again by the call, which can report it."""
    from dagger.mod.cli import load_module

    try:
        load_module()
    except BaseException as error:  # noqa: BLE001 - whatever a module's code raises
        print(f"the module cannot be imported: {error}", file=sys.stderr)


def _answer(call: dict[str, Any], output: int, status: int, fresh: bool) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    os.chdir(call["workdir"])
    os.environ.update(call["environment"])
    if fresh:
        os.set_inheritable(status, True)
        os.execv(sys.executable, [sys.executable, "-c", call["program"], str(status)])
    _told(status)


def _told(status: int) -> None:
    """Run the SDK's entry point, write its exit code to the descriptor, and end."""
    from dagger.mod.cli import app

    code = 1
    try:
        code = app() or 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(status, str(code).encode())
        os.close(status)
    sys.exit(code)


if __name__ == "__main__":
    main()
