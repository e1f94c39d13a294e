"""Paths that the program which starts LocalStack gives in environment variables."""

import os

NODE = os.environ["NODE_EXECUTOR_NODE"]
"""The Node binary that runs the functions."""

RUNTIME_CLIENT = os.environ["NODE_EXECUTOR_RUNTIME_CLIENT"]
"""`index.mjs` of the npm package aws-lambda-ric."""

RAPID_CLIENT = os.environ["NODE_EXECUTOR_RAPID_CLIENT"]
"""The module to import before it, which stands in for its native part."""

DIRECTORY = os.environ["NODE_EXECUTOR_DIRECTORY"]
"""Where the environments' files go; made here. `processes/FUNCTION/PID` in it names each running process."""

os.makedirs(DIRECTORY, exist_ok=True)
