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
from node_executor.processes import process_book
from node_executor.runtime_api import Invocation, RuntimeApi

class ChildProcess:
    """One Node process that runs a function's handler, one invocation at a time.

    Frozen whenever it has nothing to do, as Lambda does it: timers stand still, sockets age.
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
        process_book.add(function_name, self._process.pid)
        threading.Thread(target=self._watch, name=f"watch-{function_name}", daemon=True).start()

    def wait_until_ready(self, timeout_seconds: float) -> Ready | InitFailed | Exited | None:
        """How its initialization ended; None when it hasn't within this time. Freezes it when it is ready."""
        if self._init_result is None:
            self._init_result = self.next_event(timeout_seconds)
            self._init_duration_ms = (time.monotonic() - self._started_at) * 1000
            if isinstance(self._init_result, Ready):
                self.freeze()
        return self._init_result

    def take_init_duration_ms(self) -> float | None:
        """How long its initialization took; None from the second time on, and where it hasn't ended."""
        duration, self._init_duration_ms = self._init_duration_ms, None
        return duration

    def has_died_idle(self) -> bool:
        """Whether it was ready, and is gone since. Only to be asked between two invocations."""
        return isinstance(self._init_result, Ready) and isinstance(self.next_event(0), Exited)

    def send(self, invocation: Invocation) -> None:
        self._signal(signal.SIGCONT)
        self._api.send(invocation)

    def next_event(self, timeout_seconds: float) -> Event | None:
        """Waits for what it tells next; None when it tells nothing within this time."""
        try:
            return self._events.get(timeout=max(timeout_seconds, 0))
        except Empty:
            return None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Returns when it is gone."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def read_log(self) -> str:
        """What it wrote to stdout and stderr since the last time. Only while it is frozen or gone."""
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
        # A file rather than a pipe: written synchronously, complete when the process is frozen or killed, and never
        # full. Appending, so that it may be truncated in between.
        with open(self._directory / "log", "ab") as log:
            return subprocess.Popen(
                [
                    settings.NODE,
                    # As Lambda does: a function that needs more memory than it has must fail here too.
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
        # What it started itself goes with it, as a sandbox does.
        self._signal_group(signal.SIGKILL)
        process_book.remove(self._function_name, self._process.pid)
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
