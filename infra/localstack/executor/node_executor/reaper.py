"""A program that outlives LocalStack by a moment, and ends the function processes that it left.

Reads lines `+PID` and `-PID`, a process group that started and one that ended, until the end of its standard input:
the end of LocalStack, however it came about.
"""

import os
import signal
import sys


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass


main()
