"""Which header of an answer says what about which limit, where a contract says so: then nobody guesses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

UNITS_S: Final[Mapping[str, float]] = {"s": 1.0, "ms": 0.001}
"""Of numbers in these headers that are no points in time -> seconds."""


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """The headers of one limit, in lower case, each None where the vendor has none: how long to wait after a refusal,
    or what remains, when it is renewed, and how many calls it allows in `per_s` seconds.
    """

    retry_after: str | None
    remaining: str | None
    reset: str | None
    amount: str | None
    per_s: float | None
    unit_s: float

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read one of the part `limit_headers` of a contract document."""
        names = ("retry_after", "remaining", "reset", "amount")
        named = {name: document[name].lower() if name in document else None for name in names}
        return cls(**named, per_s=document.get("per_s"), unit_s=UNITS_S[document.get("unit", "s")])


def limit_headers_of(document: Mapping[str, Any]) -> Sequence[LimitHeaders]:
    """Return what a contract document says of limit headers; nothing where they are known by their names."""
    return tuple(LimitHeaders.from_document(each) for each in document.get("limit_headers", ()))
