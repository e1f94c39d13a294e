"""What a child process reports, in order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ready:
    """The process asks for an invocation: its initialization or its previous invocation is over."""


@dataclass(frozen=True)
class Replied:
    """The handler returned a result or threw an error."""

    invocation_id: str
    payload: bytes
    is_error: bool


@dataclass(frozen=True)
class InitFailed:
    """The module of the handler could not be loaded. The process ends by itself."""

    payload: bytes


@dataclass(frozen=True)
class Exited:
    """The process has ended."""

    return_code: int
    """As in `subprocess`: negative for a signal."""


Event = Ready | Replied | InitFailed | Exited
