"""The time of a signature, as vendors write it: epoch seconds, milliseconds, ISO 8601. It shows itself which."""

import re
from datetime import UTC, datetime
from typing import Final

from headway_lane.runtime.errors import Forged

_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_MILLISECONDS: Final = re.compile(r"[0-9]{12,14}", re.ASCII)
"""Twelve digits are seconds from the year 5138 on, and milliseconds from September 2001 on."""
_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)


def epoch_s(place: str, text: str) -> float:
    """Return a time in epoch seconds; Forged, which names `place`, where it is none. Without a zone it is UTC."""
    if _SECONDS.fullmatch(text):
        return int(text)
    if _MILLISECONDS.fullmatch(text):
        return int(text) / 1_000
    if _ISO.fullmatch(text):
        try:
            at = datetime.fromisoformat(text.upper())
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            pass
    raise Forged(f"{place} is not a time")
