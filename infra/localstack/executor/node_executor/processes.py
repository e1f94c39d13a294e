import subprocess
import sys
import threading
from pathlib import Path

from node_executor import settings


class ProcessBook:
    """Knows the function processes: tells the reaper, and whoever looks for the processes of a function, by files.

    They are named `processes/FUNCTION/PID` under the settings' directory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # In a session of its own, so that a signal to LocalStack's process group leaves it to do its work.
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("reaper.py")],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def add(self, function_name: str, pid: int) -> None:
        self._tell_reaper(f"+{pid}")
        file = self._file(function_name, pid)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def remove(self, function_name: str, pid: int) -> None:
        self._tell_reaper(f"-{pid}")
        self._file(function_name, pid).unlink(missing_ok=True)

    def _tell_reaper(self, line: str) -> None:
        with self._lock:
            self._reaper.stdin.write(f"{line}\n")
            self._reaper.stdin.flush()

    @staticmethod
    def _file(function_name: str, pid: int) -> Path:
        return Path(settings.DIRECTORY, "processes", function_name, str(pid))


process_book = ProcessBook()
"""The one of this LocalStack. Made with the module, that is once: a second one's reaper would end its share early."""
