"""The log of an invocation, with the lines that Lambda itself writes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InvocationLog:
    """The parts of the log of one invocation."""

    invocation_id: str
    version: str
    memory_mb: int
    duration_ms: float
    init_duration_ms: float | None
    """None for a warm invocation."""
    init_output: str
    output: str
    platform_lines: str
    """The lines that Lambda adds when it killed the process, or when the process ended by itself."""
    status: str | None
    """The status in the REPORT line: None, `error` or `timeout`."""

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
            # Not measured. AWS's own emulator writes the same value.
            f"Max Memory Used: {self.memory_mb} MB",
        ]
        if self.init_duration_ms is not None:
            fields.append(f"Init Duration: {self.init_duration_ms:.2f} ms")
        if self.status is not None:
            fields.append(f"Status: {self.status}")
        return "\t".join(fields) + "\n"
