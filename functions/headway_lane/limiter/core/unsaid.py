"""Cool-downs that the vendor has set no time for (hop 4): they grow while it refuses who comes behind. Arithmetic."""

from dataclasses import replace
from typing import Final

from headway_lane.limiter.core.reservations import Reservations

LONGEST_UNSAID_US: Final = 60_000_000
"""Longest of them: then somebody asks again."""
FIRST_COUNT: Final = 2
"""Who is refused among so many calls behind a cool-down came too early: two, because answers overtake each other."""


def unsaid(before: Reservations, duration_us: int, number: int | None) -> tuple[int, Reservations]:
    """Return how long nobody calls, and the reservations that remember it; `number` is that of the refused permit.

    One of the first calls behind such a cool-down doubles it. One that had left before it says nothing new. Any other
    shows that the vendor has taken calls since: the cool-down is `duration_us`.
    """
    known_us, behind = before.unsaid_us, None if number is None else number - before.unsaid_number
    if known_us and behind is not None and behind < 0:
        return duration_us, before
    early = known_us and behind is not None and behind < FIRST_COUNT
    lasts_us = min(2 * known_us, LONGEST_UNSAID_US) if early else duration_us
    return lasts_us, replace(before, unsaid_us=lasts_us, unsaid_number=before.number)
