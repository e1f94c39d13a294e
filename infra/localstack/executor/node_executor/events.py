"""What a child process tells, in the order in which it happened."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ready:
    """It asks for an invocation: its initialization, or the invocation before, is over."""


@dataclass(frozen=True)
class Answered:
    """The handler returned, or threw."""

    invocation_id: str
    payload: bytes
    is_error: bool


@dataclass(frozen=True)
class InitFailed:
    """The handler's module could not be loaded. The process ends by itself now."""

    payload: bytes


@dataclass(frozen=True)
class Exited:
    """The process is gone."""

    return_code: int
    """As `subprocess` has it: negative for a signal."""


Event = Ready | Answered | InitFailed | Exited
