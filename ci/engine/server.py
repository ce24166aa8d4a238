"""Serves a session's API over HTTP on loopback, as Dagger's engine serves its clients: POST /query, the token as
basic-auth user."""

import base64
import contextlib
import hmac
import json
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from graphql import GraphQLSchema

from ci.engine import schema
from ci.engine.api import Context
from ci.engine.functions import FunctionCall, LoadedModule
from ci.engine.session import Session

# A chain of 300 steps nests as many selections in one query, each of which takes the interpreter a dozen frames.
RECURSION_LIMIT = 20_000
SHOWN = 200  # characters of a body that is no request, in the error
POLL_SECONDS = 0.05  # how soon the server sees that it is to end
# Connections that wait to be taken. The SDK opens one a query that it asks at once; the kernel drops what is over the
# backlog (socketserver's is 5), and the client tries again only after a second.
BACKLOG = 512


class Server:
    """The API of one session; each module call has a token of its own, by which it is known who asks."""

    def __init__(self, session: Session) -> None:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
        self.session = session
        self._callers: dict[str, Context] = {}
        self._core = schema.build()
        self._http = _Listener(("127.0.0.1", 0), _Handler)
        self._http.engine = self
        self.module: LoadedModule | None = None
        self.schema: GraphQLSchema = self._core
        self._inside: dict[str, GraphQLSchema] = {}
        threading.Thread(target=self._http.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def load(self, module: LoadedModule) -> None:
        """Serve a module's types and functions beside the core."""
        self.module = module
        self.schema = schema.build(module.types)

    @contextlib.contextmanager
    def serving(self, module: LoadedModule, call: FunctionCall) -> Iterator[tuple[int, str]]:
        """The port and the token for the process of one function call."""
        with self._token(Context(self.session, module, call)) as token:
            yield self._http.server_address[1], token

    @contextlib.contextmanager
    def client(self) -> Iterator[tuple[int, str]]:
        """The port and a token for a program of the user's, which sees what the command line sees."""
        with self._token(Context(self.session, self.module)) as token:
            yield self._http.server_address[1], token

    @contextlib.contextmanager
    def _token(self, context: Context) -> Iterator[str]:
        token = secrets.token_hex(16)
        self._callers[token] = context
        try:
            yield token
        finally:
            del self._callers[token]

    def caller(self, authorization: str) -> Context | None:
        """Who a request is from, None where its token is unknown."""
        with contextlib.suppress(ValueError):
            user = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")[0]
            for token, context in list(self._callers.items()):
                if hmac.compare_digest(token.encode(), user.encode()):
                    return context
        return None

    def query(self, text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a query of this process itself."""
        return schema.answer(self.schema, Context(self.session, self.module), text, variables)

    def answer(self, context: Context, body: bytes) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the response to a request's body."""
        try:
            request = json.loads(body)
        except ValueError as error:
            return _refused(f"{error} body:{body.decode(errors='replace')[:SHOWN]}")
        if not isinstance(request, dict):
            return _refused("it is no object")
        served = self.schema if context.call is None else self._seen_by(context.module)
        asked = (request.get("query") or "", request.get("variables"), request.get("operationName"))
        try:
            with self.session.progress.under(context.call.step if context.call else None):
                response = schema.answer(served, context, *asked)
        except schema.RequestError as error:
            return error.status, {"errors": error.errors, "data": None}
        if context.call is not None:
            context.call.refused += [error["message"] for error in response.get("errors", ())]
        return 200, response

    def _seen_by(self, module: LoadedModule | None) -> GraphQLSchema:
        """What a module's own functions see: the core, and the module's types where it has interfaces, by which it
        asks objects that it did not make."""
        if module is None or not module.types.has_interfaces:
            return self._core
        if module.name not in self._inside:
            self._inside[module.name] = schema.build(module.types, inside=True)
        return self._inside[module.name]

    def close(self) -> None:
        """Stop serving."""
        with contextlib.suppress(OSError):  # its loop wakes at once instead of at the end of its poll
            self._http.socket.shutdown(socket.SHUT_RDWR)
        self._http.shutdown()
        self._http.server_close()


def _refused(reason: str) -> tuple[int, dict[str, Any]]:
    return 400, {"errors": [{"message": f"json request body could not be decoded: {reason}"}], "data": None}


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = BACKLOG
    engine: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone: nobody waits for its answer."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one write

    def do_POST(self) -> None:
        assert isinstance(self.server, _Listener)
        engine = self.server.engine
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        context = engine.caller(self.headers.get("Authorization") or "")
        if context is None:
            self._send(401, b"")
            return
        status, response = engine.answer(context, body)
        self._send(status, json.dumps(response).encode())

    def do_GET(self) -> None:
        refused = {"message": "no operation provided", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}
        self._send(422, json.dumps({"errors": [refused], "data": None}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests are the engine's own business."""
