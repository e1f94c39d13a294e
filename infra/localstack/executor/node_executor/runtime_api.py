import re
import sys
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue

from node_executor.events import Event, InitFailed, Ready, Replied

_PREFIX = "/2018-06-01/runtime"
_REPLY = re.compile(rf"{_PREFIX}/invocation/([^/]+)/(response|error)")


@dataclass(frozen=True)
class Invocation:
    """What a child process gets when it asks for the next invocation."""

    id: str
    function_arn: str
    trace_id: str
    deadline_ms: int
    """Milliseconds since 1970."""
    payload: bytes


class RuntimeApi:
    """The Lambda Runtime API for one child process, on its own loopback port.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; streamed responses are not supported.
    """

    def __init__(self, events: SimpleQueue[Event]) -> None:
        self._events = events
        self._invocations: SimpleQueue[Invocation | None] = SimpleQueue()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, name="runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def send(self, invocation: Invocation) -> None:
        """Passes this invocation to the child process that asks for the next one."""
        self._invocations.put(invocation)

    def close(self) -> None:
        """Stops the server. A child process that is still waiting loses its connection."""
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()

    def take_invocation(self) -> Invocation | None:
        """Waits for the next invocation. Returns None if the server is being stopped."""
        self._events.put(Ready())
        return self._invocations.get()

    def accept_reply(self, path: str, body: bytes) -> bool:
        """Accepts a reply. Returns False if the path does not take replies."""
        if path == f"{_PREFIX}/init/error":
            self._events.put(InitFailed(body))
        elif match := _REPLY.fullmatch(path):
            self._events.put(Replied(match[1], body, is_error=match[2] == "error"))
        else:
            return False
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A thread that waits for an invocation ends with its connection. Nothing depends on when that happens.
    block_on_close = False

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__(("127.0.0.1", 0), _RequestHandler)
        self.api = api

    def handle_error(self, request, client_address) -> None:
        # A child process that was killed breaks its connections. This is not an error of the server.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _RequestHandler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Sends header and body immediately in one packet. Otherwise a warm invocation would take 40 ms longer.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self._reply(HTTPStatus.NOT_FOUND)
            return
        invocation = self.server.api.take_invocation()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        self._reply(HTTPStatus.OK, headers, invocation.payload)

    def do_POST(self) -> None:
        if "Content-Length" not in self.headers:
            self.close_connection = True
            self._reply(HTTPStatus.LENGTH_REQUIRED)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_accepted = self.server.api.accept_reply(self.path, body)
        self._reply(HTTPStatus.ACCEPTED if is_accepted else HTTPStatus.NOT_FOUND)

    def _reply(self, status: HTTPStatus, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments) -> None:
        """Writes no access log, because nobody would read it."""
