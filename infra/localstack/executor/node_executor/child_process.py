import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from node_executor import settings
from node_executor.events import Event, Exited, InitFailed, Ready
from node_executor.processes import process_registry
from node_executor.runtime_api import Invocation, RuntimeApi


class ChildProcess:
    """One Node process that runs a function's handler, one invocation at a time.

    It is frozen while it has nothing to do, as in Lambda: timers stop, and sockets may time out.
    """

    def __init__(self, function_name: str, code: Path, environment: dict[str, str], memory_mb: int) -> None:
        self._function_name = function_name
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._init_result: Ready | InitFailed | Exited | None = None
        self._started_at = time.monotonic()
        self._init_duration_ms: float | None = None
        self._api = RuntimeApi(self._events)
        self._directory = Path(tempfile.mkdtemp(dir=settings.DIRECTORY, prefix="environment-"))
        self._process = self._spawn(code, environment, memory_mb)
        process_registry.add(function_name, self._process.pid)
        threading.Thread(target=self._watch, name=f"watch-{function_name}", daemon=True).start()

    def wait_until_ready(self, timeout_seconds: float) -> Ready | InitFailed | Exited | None:
        """Returns how the initialization ended, or None if it did not end in time. Freezes a process that is ready."""
        if self._init_result is None:
            self._init_result = self.next_event(timeout_seconds)
            self._init_duration_ms = (time.monotonic() - self._started_at) * 1000
            if isinstance(self._init_result, Ready):
                self.freeze()
        return self._init_result

    def take_init_duration_ms(self) -> float | None:
        """Returns how long the initialization took. None if it has not ended, and from the second call on."""
        duration, self._init_duration_ms = self._init_duration_ms, None
        return duration

    def has_died_idle(self) -> bool:
        """Returns whether the process was ready and has ended since. Call it only between two invocations."""
        return isinstance(self._init_result, Ready) and isinstance(self.next_event(0), Exited)

    def send(self, invocation: Invocation) -> None:
        self._signal(signal.SIGCONT)
        self._api.send(invocation)

    def next_event(self, timeout_seconds: float) -> Event | None:
        """Waits for the next event. Returns None if there is none in time."""
        try:
            return self._events.get(timeout=max(timeout_seconds, 0))
        except Empty:
            return None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Kills the process and waits until it has ended."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def read_log(self) -> str:
        """Returns the output since the last call. Call it only while the process is frozen or has ended."""
        try:
            with open(self._directory / "log", "r+b") as file:
                text = file.read().decode(errors="replace")
                file.truncate(0)
        except FileNotFoundError:
            return ""
        return text if text == "" or text.endswith("\n") else f"{text}\n"

    def remove_files(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def _spawn(self, code: Path, environment: dict[str, str], memory_mb: int) -> subprocess.Popen:
        temporary = self._directory / "tmp"
        temporary.mkdir()
        # A file rather than a pipe: writes are synchronous, so the output is complete when the process is frozen or
        # killed, and a file never fills up. Append mode allows truncating it in between.
        with open(self._directory / "log", "ab") as log:
            return subprocess.Popen(
                [
                    settings.NODE,
                    # As in Lambda, a function that needs more memory than configured must fail.
                    f"--max-old-space-size={memory_mb * 9 // 10}",
                    f"--import={Path(settings.RAPID_CLIENT).as_uri()}",
                    settings.RUNTIME_CLIENT,
                ],
                cwd=code,
                env={
                    "PATH": f"{Path(settings.NODE).parent}:/usr/local/bin:/usr/bin:/bin",
                    "LANG": "en_US.UTF-8",
                    "TMPDIR": str(temporary),
                    **environment,
                    "AWS_LAMBDA_RUNTIME_API": self._api.address,
                    "LAMBDA_TASK_ROOT": str(code),
                    "LAMBDA_RUNTIME_DIR": str(Path(settings.RUNTIME_CLIENT).parent),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def _watch(self) -> None:
        return_code = self._process.wait()
        # Kills the processes that it started itself, as Lambda's sandbox does.
        self._signal_group(signal.SIGKILL)
        process_registry.remove(self._function_name, self._process.pid)
        self._events.put(Exited(return_code))
        self._api.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._signal_group(number)

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass
