"""The process that calls a module's functions: one a session, its environment emptied, its working folders its own."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ci.engine import network
from ci.engine.errors import ModuleLoadError
from ci.engine.modules.environment import Interpreter

PROGRAM = Path(__file__).with_name("host.py")
TAIL = 4000  # characters kept of what the process itself printed
LAST_LINES_SECONDS = 1.0  # for what was printed to arrive after a call has ended


@dataclass(frozen=True)
class Request:
    """Where a call finds its session, where its lines go, and whether these include tracebacks."""

    port: int
    token: str
    workdir: Path
    line: Callable[[str], None]
    tracebacks: bool = False


class Runtime:
    """A module's process. It starts to import the SDK and the module at once, and is asked when it is needed.

    Args:
        name: the module's name, main object's class in PascalCase as `main_object`.
        interpreter: what it is started with.
        bytecode: where compiled files are kept, for the module's folder may be read-only.
    """

    def __init__(self, name: str, main_object: str, interpreter: Interpreter, bytecode: Path) -> None:
        self._name = name
        self.folder = Path(tempfile.mkdtemp(prefix="cutover-module-"))
        self._program = PROGRAM.read_text(encoding="utf-8")
        self._control, theirs = socket.socketpair()
        self._printed = ""
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [interpreter.python, "-c", self._program],
                cwd=self.folder,
                env=_environment(name, main_object, interpreter, bytecode, self.folder),
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._printed = (self._printed + line.decode(errors="replace"))[-TAIL:]

    def call(self, request: Request) -> int:
        """Let the SDK answer one call; gives the exit code of its entry point.

        Raises:
            ModuleLoadError: the process ended without one.
        """
        environment = {"DAGGER_SESSION_PORT": str(request.port), "DAGGER_SESSION_TOKEN": request.token}
        if request.tracebacks:
            environment["CUTOVER_TRACEBACKS"] = "1"
        line = {"workdir": str(request.workdir), "environment": environment, "program": self._program}
        with _pipe() as output, _pipe() as status:
            try:
                with os.fdopen(output.take(), "wb"), os.fdopen(status.take(), "wb"), self._lock:
                    socket.send_fds(self._control, [json.dumps(line).encode()], [output.write, status.write])
                    taken = self._control.recv(1)  # one call at a time: lines must not run into each other
            except OSError:
                taken = b""
            if not taken:
                self._ended()
            reader = threading.Thread(target=_lines, args=(output.read, request.line), daemon=True)
            reader.start()
            code = os.read(status.read, 16)
            reader.join(LAST_LINES_SECONDS)
        if not code:
            self._ended()
        return int(code)

    @contextlib.contextmanager
    def workdir(self) -> Iterator[Path]:
        """A working folder for one call."""
        folder = Path(tempfile.mkdtemp(prefix="work-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _ended(self) -> NoReturn:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_LINES_SECONDS)
        self._reader.join(LAST_LINES_SECONDS)
        code = self._process.poll()
        how = "was killed in a call" if code is None else f"ended with exit code {code}"
        printed = f":\n{self._printed.strip()}" if self._printed.strip() else ""
        raise ModuleLoadError(f"module {self._name}: its process {how} and gave no answer{printed}")

    def close(self) -> None:
        """End the process and what its calls started, and remove its folders."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(LAST_LINES_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


def _environment(name: str, main_object: str, interpreter: Interpreter, bytecode: Path, folder: Path) -> dict[str, str]:
    certificates = dict.fromkeys(network.CA_VARIABLES, bundle) if (bundle := network.bundle()) else {}
    proxies = {name: value for name, value in network.inherited().items() if name in network.PROXY_VARIABLES}
    return {
        **certificates,
        **proxies,
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(interpreter.path),
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "DAGGER_MODULE": name,
        "DAGGER_MAIN_OBJECT": main_object,
    }


class _Pipe:
    """A pipe; its write end is given away once."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        self._given = False

    def take(self) -> int:
        """The write end, now the caller's to close."""
        self._given = True
        return self.write

    def close(self) -> None:
        """Close what is still this pipe's."""
        os.close(self.read)
        if not self._given:
            os.close(self.write)


@contextlib.contextmanager
def _pipe() -> Iterator[_Pipe]:
    pipe = _Pipe()
    try:
        yield pipe
    finally:
        pipe.close()


def _lines(descriptor: int, line: Callable[[str], None]) -> None:
    with contextlib.suppress(OSError), os.fdopen(os.dup(descriptor), encoding="utf-8", errors="replace") as file:
        for text in file:
            line(text.rstrip("\n"))
