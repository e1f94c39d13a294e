"""Starts LocalStack, or fails if its port is taken: LocalStack itself would then neither answer nor end."""

import os
import socket

from localstack.runtime.main import main
from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore


def check_port() -> None:
    """Raises OSError, `Address already in use`, if another process uses the port."""
    host, port = os.environ["GATEWAY_LISTEN"].split(":")
    with socket.socket() as probe:
        # Otherwise connections that were closed a moment ago would count as well.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, int(port)))


def isolate_buckets() -> None:
    """Gives this LocalStack its own directory for buckets. By default all share one in /tmp, and none removes it."""
    create = EphemeralS3ObjectStore.__init__
    # Without a name, the store creates a directory in TMPDIR, which is removed with this LocalStack.
    EphemeralS3ObjectStore.__init__ = lambda self, _=None: create(self)


check_port()
isolate_buckets()
main()
