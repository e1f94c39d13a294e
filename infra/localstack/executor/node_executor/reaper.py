"""A program that briefly outlives LocalStack and kills the function processes that it left behind.

It reads a line `+PID` for each process group that starts, and `-PID` for each one that ends. The end of its standard
input means that LocalStack has ended, no matter how.
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
