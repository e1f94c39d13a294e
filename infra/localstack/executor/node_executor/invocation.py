import json
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from node_executor.child_process import ChildProcess
from node_executor.events import Exited, InitFailed, Ready, Replied
from node_executor.runtime_api import Invocation

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024 + 100
"""Limit of a request and of a response, as AWS counts it."""


@dataclass(frozen=True)
class Outcome:
    """The result of an invocation, for the caller and for the log."""

    payload: bytes
    is_error: bool = False
    status: str | None = None
    platform_lines: str = ""
    is_child_lost: bool = False
    """The process has ended or must be killed, so the next invocation needs a new one."""


def invoke(child: ChildProcess, invocation: Invocation, timeout_seconds: float) -> Outcome:
    """Runs an invocation in a ready child, and freezes the child again unless the outcome says that it is lost."""
    deadline = time.monotonic() + timeout_seconds
    reply: Replied | None = None
    child.send(invocation)
    while event := child.next_event(deadline - time.monotonic()):
        match event:
            case Replied(invocation.id):
                reply = event
            # The invocation is over only now: the handler may still write output after its reply.
            case Ready() if reply is not None:
                child.freeze()
                return _replied(reply)
            case Exited(return_code):
                return _replied(reply, is_child_lost=True) if reply else exited(invocation.id, return_code)
    return _replied(reply, is_child_lost=True) if reply else timed_out(invocation.id, timeout_seconds)


def init_failed(invocation_id: str, failure: InitFailed | Exited) -> Outcome:
    """The outcome of an invocation whose process failed to start."""
    if isinstance(failure, Exited):
        return exited(invocation_id, failure.return_code)
    return Outcome(failure.payload, is_error=True, status="error", is_child_lost=True)


def exited(invocation_id: str, return_code: int) -> Outcome:
    """The outcome of an invocation whose process ended without a reply."""
    message = f"RequestId: {invocation_id} Error: Runtime exited {_describe_exit(return_code)}"
    payload = _error("Runtime.ExitError", message)
    lines = f"{message}\nRuntime.ExitError\n"
    return Outcome(payload, is_error=True, status="error", platform_lines=lines, is_child_lost=True)


def _describe_exit(return_code: int) -> str:
    if return_code == 0:
        return "without providing a reason"
    if return_code > 0:
        return f"with error: exit status {return_code}"
    return f"with error: signal: {signal.strsignal(-return_code).lower()}"


def timed_out(invocation_id: str, timeout_seconds: float) -> Outcome:
    """The outcome of an invocation without a reply before the function's timeout."""
    message = f"Task timed out after {timeout_seconds:.2f} seconds"
    payload = _error("Sandbox.Timedout", f"RequestId: {invocation_id} Error: {message}")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    lines = f"{now}Z {invocation_id} {message}\n"
    return Outcome(payload, is_error=True, status="timeout", platform_lines=lines, is_child_lost=True)


def _replied(reply: Replied, is_child_lost: bool = False) -> Outcome:
    if len(reply.payload) <= MAX_PAYLOAD_BYTES:
        return Outcome(reply.payload, is_error=reply.is_error, is_child_lost=is_child_lost)
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
    payload = _error("Function.ResponseSizeTooLarge", message)
    return Outcome(payload, is_error=True, status="error", is_child_lost=is_child_lost)


def _error(type_name: str, message: str) -> bytes:
    return json.dumps({"errorType": type_name, "errorMessage": message}).encode()
