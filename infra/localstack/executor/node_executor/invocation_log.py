"""What Lambda itself writes to a function's log."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InvocationLog:
    """The pieces of one invocation's log, in their order."""

    invocation_id: str
    version: str
    memory_mb: int
    duration_ms: float
    init_duration_ms: float | None
    """None for a warm invocation."""
    init_output: str
    output: str
    platform_lines: str
    """What Lambda adds when it ended the process, or lost it."""
    status: str | None
    """Of the report: None, `error` or `timeout`."""

    def text(self) -> str:
        return (
            f"{self.init_output}"
            f"START RequestId: {self.invocation_id} Version: {self.version}\n"
            f"{self.output}"
            f"{self.platform_lines}"
            f"END RequestId: {self.invocation_id}\n"
            f"{self._report()}"
        )

    def _report(self) -> str:
        fields = [
            f"REPORT RequestId: {self.invocation_id}",
            f"Duration: {self.duration_ms:.2f} ms",
            f"Billed Duration: {int(self.duration_ms) + 1} ms",
            f"Memory Size: {self.memory_mb} MB",
            # Not measured; AWS's own emulator writes the same.
            f"Max Memory Used: {self.memory_mb} MB",
        ]
        if self.init_duration_ms is not None:
            fields.append(f"Init Duration: {self.init_duration_ms:.2f} ms")
        if self.status is not None:
            fields.append(f"Status: {self.status}")
        return "\t".join(fields) + "\n"
