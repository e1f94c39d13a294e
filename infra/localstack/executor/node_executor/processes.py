import subprocess
import sys
import threading
from pathlib import Path

from node_executor import settings


class ProcessRegistry:
    """Keeps track of the function processes.

    It notifies the reaper, and creates a file `processes/FUNCTION/PID` in the settings' directory for each process, so
    that other programs can find the processes of a function.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # In its own session, so that a signal to LocalStack's process group does not end it.
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("reaper.py")],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def add(self, function_name: str, pid: int) -> None:
        self._notify_reaper(f"+{pid}")
        file = self._file(function_name, pid)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def remove(self, function_name: str, pid: int) -> None:
        self._notify_reaper(f"-{pid}")
        self._file(function_name, pid).unlink(missing_ok=True)

    def _notify_reaper(self, line: str) -> None:
        with self._lock:
            self._reaper.stdin.write(f"{line}\n")
            self._reaper.stdin.flush()

    @staticmethod
    def _file(function_name: str, pid: int) -> Path:
        return Path(settings.DIRECTORY, "processes", function_name, str(pid))


process_registry = ProcessRegistry()
"""The only instance. If a second one were discarded, its reaper would kill the processes that it knows too early."""
