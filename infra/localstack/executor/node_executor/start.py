"""Starts LocalStack, unless its port is taken: LocalStack itself would neither answer then nor end."""

import os
import socket

from localstack.runtime.main import main


def check_port() -> None:
    """Raises OSError, `Address already in use`, where another process has the port."""
    host, port = os.environ["GATEWAY_LISTEN"].split(":")
    with socket.socket() as probe:
        # Without it, connections that ended a moment ago would count too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, int(port)))


check_port()
main()
