"""What may go wrong at one call of a handler, and which call that is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a call fails."""

    UNREACHED = "unreached"
    """It fails before its effect: no connection, in none of the SDK's attempts."""
    LOST = "response lost"
    """The effect is done, and the connection ends before the response: the SDK repeats, so it comes twice."""
    LOST_FOR_GOOD = "all responses lost"
    """The effect is done in every attempt, and the SDK gives up."""
    THROTTLED = "throttled"
    """All attempts of the SDK."""
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


KILLS: Final = frozenset({Kind.KILLED_BEFORE, Kind.KILLED_AFTER})
VENDOR: Final = "vendor"
"""The service of a call to the vendor through the proxy, which is repeated by our own code and by no SDK."""


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """One call that a function made in a run: `ordinal` counts its like, from 1."""

    function: str
    operation: str
    resource: str
    ordinal: int

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """How it may fail. A read has no effect, so that what matters is that it fails."""
        if self.reads:
            return (Kind.UNREACHED, Kind.THROTTLED, Kind.KILLED_BEFORE)
        return tuple(kind for kind in Kind if not (self.to_vendor and kind is Kind.LOST_FOR_GOOD))

    @property
    def reads(self) -> bool:
        """Whether it only asks. Receiving from a queue is more: it hides what it gives."""
        operation = self.operation.partition(".")[2]
        return operation.startswith(("Get", "StartConfigurationSession", "GET"))

    @property
    def to_vendor(self) -> bool:
        """Whether it goes to the vendor."""
        return self.operation.startswith(VENDOR)

    def __str__(self) -> str:
        return f"{self.function}: {self.operation} {self.resource} #{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that fails in one way."""

    call: Call
    kind: Kind


class Killed(BaseException):
    """The function is gone: nothing of its code runs any more. No Exception, so that no handler catches it."""
