from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class NodeExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen by `LAMBDA_RUNTIME_EXECUTOR=node`."""

    name = "node"

    def load(self, *args, **kwargs):
        # Imported late: LocalStack creates the plugins of all executors, and loads only the chosen one.
        from node_executor.executor import NodeExecutor

        return NodeExecutor
