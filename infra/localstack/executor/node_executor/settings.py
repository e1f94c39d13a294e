"""Paths from environment variables, which are set by the program that starts LocalStack."""

import os

NODE = os.environ["NODE_EXECUTOR_NODE"]
"""The Node binary that runs the functions."""

RUNTIME_CLIENT = os.environ["NODE_EXECUTOR_RUNTIME_CLIENT"]
"""`index.mjs` of the npm package aws-lambda-ric."""

RAPID_CLIENT = os.environ["NODE_EXECUTOR_RAPID_CLIENT"]
"""The module that replaces the native part of aws-lambda-ric. It must be imported first."""

DIRECTORY = os.environ["NODE_EXECUTOR_DIRECTORY"]
"""Directory for the files of the environments. It has a file `processes/FUNCTION/PID` for each running process."""

os.makedirs(DIRECTORY, exist_ok=True)
