"""Starts LocalStack, unless its port is taken: LocalStack itself would neither answer then nor end."""

import os
import socket

from localstack.runtime.main import main
from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore


def check_port() -> None:
    """Raises OSError, `Address already in use`, where another process has the port."""
    host, port = os.environ["GATEWAY_LISTEN"].split(":")
    with socket.socket() as probe:
        # Without it, connections that ended a moment ago would count too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, int(port)))


def keep_buckets_apart() -> None:
    """All LocalStacks of a machine would keep their buckets in one directory of /tmp, and leave it there."""
    create = EphemeralS3ObjectStore.__init__
    # Without a name it makes itself a directory in TMPDIR, which is ours.
    EphemeralS3ObjectStore.__init__ = lambda self, _=None: create(self)


check_port()
keep_buckets_apart()
main()
