"""Calls a module's functions. Runs in the module's own interpreter, and imports nothing of Cutover.

The SDK and the module are imported once; each call is answered by the SDK's own entry point in a fork of this process,
so nothing that one call leaves in memory is seen by the next. Calls come over the socket that is standard input: a JSON
line with the working folder and the environment, and two descriptors, for what is printed and for the exit code.
"""

import contextlib
import functools
import gc
import importlib
import inspect
import json
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

LARGEST = 1 << 16  # bytes of a call's line
CLIENT = "dagger.client.gen"  # the SDK's generated client
SESSION = "dagger.client._session"  # where the SDK connects
LATE = ("httpcore", "anyio._backends._asyncio")  # what the SDK imports only when it connects, in each call anew
LOGGER = "dagger.mod"  # what the SDK tells of a function that raised
TRACEBACKS = "CUTOVER_TRACEBACKS"  # set where the user wants to see them
INSTALLED = ("site-packages", "dist-packages", str(Path(os.__file__).parent), "<")  # what no module's own file is in
TASKS = Path("/proc/self/task")  # one entry a thread


def main() -> None:
    """Answer calls until the socket is closed; started with a descriptor as argument, answer the one call that is in
    the environment."""
    if len(sys.argv) > 1:
        _told(int(sys.argv[1]))
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    gc.disable()  # nothing that an import makes is to go again
    _import()
    gc.freeze()
    gc.enable()
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
    with _lighter():
        from dagger.mod.cli import load_module
    for name in LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _without_certificates()
    try:
        load_module()
    except BaseException as error:  # noqa: BLE001 - whatever a module's code raises
        print(f"the module cannot be imported: {error}", file=sys.stderr)


def _without_certificates() -> None:
    """Let the SDK's connection, which is plain HTTP on loopback, read no CA bundle in each call anew."""
    with contextlib.suppress(ImportError, AttributeError):
        session: Any = importlib.import_module(SESSION)
        session.TelemetryTransport = functools.partial(session.TelemetryTransport, verify=False)


@contextlib.contextmanager
def _lighter() -> Iterator[None]:
    """Import the SDK in two thirds of the time: without httpx's own command line, which httpx can do without, and with
    the checks of its client's arguments made for a method when it is first called instead of for all 73 classes."""
    try:
        import beartype
    except ImportError:  # another SDK checks in another way
        yield
        return
    made: Any = beartype.beartype

    def configured(*given: Any, **options: Any) -> Any:
        return made(*given, **options) if given else _later(made(**options))

    beartype.beartype = configured
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # what Python takes for a module that is not there
    try:
        yield
    finally:
        beartype.beartype = made
        del sys.modules["httpx._main"]


def _later(decorate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """beartype's decorator for a class, applied to each of its methods when that is first called; at once to all but
    the client's classes."""

    def decorated(kind: Any) -> Any:
        if getattr(kind, "__module__", "") != CLIENT or "__dataclass_fields__" in vars(kind):
            return decorate(kind)
        methods = {name: item for name, item in vars(kind).items() if isinstance(item, FunctionType)}
        checks = _Checks(kind, methods, decorate)
        for name, method in methods.items():
            setattr(kind, name, _first(kind, name, method, checks))
        return kind

    return decorated


class _Checks:
    """The checks of one class of the client, made as its methods are called."""

    def __init__(self, kind: Any, methods: dict[str, Any], decorate: Callable[[Any], Any]) -> None:
        self._kind = kind
        self._unchecked = dict(methods)
        self._decorate = decorate
        self._lock = threading.RLock()

    def make(self, name: str) -> None:
        """Have a method checked from now on."""
        with self._lock:
            method = self._unchecked.pop(name, None)
            if method is None:  # another thread was first
                return
            own = {item for item, hint in method.__annotations__.items() if str(hint).endswith(".Self")}
            if own - {"return"}:  # only of a whole class does beartype know what Self is, and says so in its errors
                self._make_all(name, method)
                return
            if own:
                method.__annotations__["return"] = self._kind
            setattr(self._kind, name, self._decorate(method))

    def _make_all(self, name: str, method: Any) -> None:
        for item, unchecked in {**self._unchecked, name: method}.items():
            setattr(self._kind, item, unchecked)
        self._unchecked.clear()
        self._decorate(self._kind)


def _first(kind: Any, name: str, method: Any, checks: _Checks) -> Any:
    """A method that has itself checked before it is what it was."""
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def awaited(*args: Any, **options: Any) -> Any:
            checks.make(name)
            return await getattr(kind, name)(*args, **options)

        return awaited

    @functools.wraps(method)
    def called(*args: Any, **options: Any) -> Any:
        checks.make(name)
        return getattr(kind, name)(*args, **options)

    return called


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
    with _lighter():
        from dagger.mod.cli import app

    if not os.environ.get(TRACEBACKS):
        logging.getLogger(LOGGER).addFilter(_shorten)
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
        gc.freeze()  # the process ends, and its caller waits for that: nothing need be looked for that could be freed
    sys.exit(code)


def _shorten(record: logging.LogRecord) -> bool:
    """Say what a function raised, and where in the module, instead of a traceback; nothing where it only passed on what
    the engine answered, which the engine tells itself."""
    from dagger import QueryError

    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return True
    lines = [_place(leaf) for leaf in _leaves(error) if not isinstance(leaf, QueryError)]
    record.msg, record.args, record.exc_info = "\n".join(lines), (), None
    return bool(lines)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What tasks that ran at once raised; of any other error, itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _place(error: BaseException) -> str:
    """An error in one line, with the last line of the module's own that it came by."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(place in frame.filename for place in INSTALLED)]
    told = f"{type(error).__name__}: {error}"
    return f"{told} ({own[-1].filename}, line {own[-1].lineno}, in {own[-1].name})" if own else told


if __name__ == "__main__":
    main()
