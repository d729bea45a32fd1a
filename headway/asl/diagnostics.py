"""One thing that AWS has against a definition, and how AWS writes several into one message."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A code of `ValidateStateMachineDefinition`, a message, and a place as in `/States/Ask/Catch[0]/Next`."""

    code: str
    message: str
    location: str | None

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {'null' if self.location is None else self.location or '/'}"


def of_schema(message: str, location: str) -> Diagnostic:
    """Return the most frequent kind: a field is wrong."""
    return Diagnostic(SCHEMA, message, location)


def message_of(found: Iterable[Diagnostic]) -> str:
    """Return the message of InvalidDefinition."""
    return f"Invalid State Machine Definition: '{', '.join(map(str, found))}'"
