from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class NodeExecutorPlugin(RuntimeExecutorPlugin):
    """Selected with `LAMBDA_RUNTIME_EXECUTOR=node`."""

    name = "node"

    def load(self, *args, **kwargs):
        # Imported here, because LocalStack creates the plugins of all executors but loads only the selected one.
        from node_executor.executor import NodeExecutor

        return NodeExecutor
