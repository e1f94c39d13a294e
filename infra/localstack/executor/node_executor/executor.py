import threading
import time

from localstack.aws.api.lambda_ import RequestTooLargeException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from node_executor import invocation
from node_executor.child_process import ChildProcess
from node_executor.events import Ready
from node_executor.invocation import Outcome
from node_executor.invocation_log import InvocationLog
from node_executor.runtime_api import Invocation

INIT_LIMIT_SECONDS = 10
"""As in Lambda, an initialization that takes longer uses up the time of the first invocation."""


class NodeExecutor(RuntimeExecutor):
    """One execution environment of a function version, with one child process at a time.

    LocalStack starts it, invokes it (never twice concurrently) and stops it, from any thread and at any time. A failure
    of the function's code is a result and leaves the environment in service: the next invocation starts a new process.
    """

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self._environment: dict[str, str] = {}
        # Guards the three fields below: stop() must neither miss a child that is being started, nor end an invocation.
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        self._is_invoking = False
        self._is_stopped = False

    def start(self, env_vars: dict[str, str]) -> None:
        # LocalStack passes some of the values as numbers.
        self._environment = {name: str(value) for name, value in env_vars.items()}
        self._environment["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{self.function_version.config.runtime}"
        self._start_child().wait_until_ready(INIT_LIMIT_SECONDS)
        if self._is_stopped:
            raise LambdaRuntimeException("The environment was stopped while it was starting.")

    def stop(self) -> None:
        """Ends the child at once or, as Lambda does when a function is updated, after its current invocation."""
        with self._lock:
            self._is_stopped = True
            if not self._is_invoking:
                self._end_child()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request = payload["payload"].encode()
        if len(request) > invocation.MAX_PAYLOAD_BYTES:
            limit = invocation.MAX_PAYLOAD_BYTES
            # Unlike Lambda, this also discards the environment: LocalStack picks one without checking the size.
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            raise RequestTooLargeException(message, Type="User")
        with self._lock:
            self._is_invoking = True
        try:
            return self._invoke(payload, request)
        finally:
            with self._lock:
                self._is_invoking = False
                if self._is_stopped:
                    self._end_child()

    def _invoke(self, payload: dict[str, str], request: bytes) -> InvocationResult:
        config = self.function_version.config
        child = self._child_for_invocation()
        init_result = child.wait_until_ready(max(INIT_LIMIT_SECONDS, config.timeout))
        init_output = child.read_log() if isinstance(init_result, Ready) else ""
        started_at = time.monotonic()
        match init_result:
            case None:
                outcome = invocation.timed_out(payload["invoke-id"], config.timeout)
            case Ready():
                outcome = invocation.invoke(child, self._invocation(payload, request), config.timeout)
            case failure:
                outcome = invocation.init_failed(payload["invoke-id"], failure)
        duration_ms = (time.monotonic() - started_at) * 1000
        if outcome.is_child_lost:
            child.kill()
        log = InvocationLog(
            invocation_id=payload["invoke-id"],
            version=self.function_version.id.qualifier,
            memory_mb=config.memory_size,
            duration_ms=duration_ms,
            init_duration_ms=child.take_init_duration_ms(),
            init_output=init_output,
            output=child.read_log(),
            platform_lines=outcome.platform_lines,
            status=outcome.status,
        )
        if outcome.is_child_lost:
            with self._lock:
                self._end_child()
        return InvocationResult(payload["invoke-id"], outcome.payload, outcome.is_error, log.text())

    def _invocation(self, payload: dict[str, str], request: bytes) -> Invocation:
        return Invocation(
            id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            trace_id=payload["trace-id"],
            deadline_ms=int((time.time() + self.function_version.config.timeout) * 1000),
            payload=request,
        )

    def _child_for_invocation(self) -> ChildProcess:
        if self._child is not None and not self._child.has_died_idle():
            return self._child
        return self._start_child()

    def _start_child(self) -> ChildProcess:
        with self._lock:
            if self._is_stopped:
                raise LambdaRuntimeException("The environment is stopped.")
            self._end_child()
            config = self.function_version.config
            self._child = ChildProcess(
                function_name=self.function_version.id.function_name,
                code=config.code.get_unzipped_code_location(),
                environment=self._environment,
                memory_mb=config.memory_size,
            )
            return self._child

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.remove_files()
            self._child = None

    def get_logs(self) -> str:
        """LocalStack calls this if an invocation has no log, which never happens here."""
        return ""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """The host in the AWS_ENDPOINT_URL of functions."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Only for LocalStack's own runtime in containers, which is not used here."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Does nothing: LocalStack itself removes the unzipped code together with the function."""
