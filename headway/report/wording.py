"""How the report says numbers: durations, instants, rates, shares and line numbers as short text."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

MISSING = "\N{EN DASH}"
_CAUSE_CHARS = 300
# A task token is hundreds of these characters in a row; an ARN, a UUID and a SHA-256 in hex are all shorter runs.
_SECRET_LIKE = re.compile(r"[A-Za-z0-9+/=_-]{80,}")


def duration(ms: float | None) -> str:
    """Say a duration with two or three significant digits: 420 ms, 1.52 s, 2 min 5 s, 3 h 20 min."""
    if ms is None:
        return MISSING
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 9_995:
        return f"{ms / 1000:.2f} s"
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    large, small, units = (seconds // 60, seconds % 60, ("min", "s"))
    if seconds >= 3600:
        large, small, units = (seconds // 3600, seconds % 3600 // 60, ("h", "min"))
    return f"{large} {units[0]} {small} {units[1]}" if small else f"{large} {units[0]}"


def instant(epoch_ms: int) -> str:
    """Say an instant in UTC, to the second."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def number(value: float) -> str:
    """Say a number with one decimal below 100, and none where that decimal is zero."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.1f}".removesuffix(".0")


def rate_unit(contract_per_s: float) -> tuple[float, str]:
    """Choose the unit in which the contract reads as at least one call: (seconds in the unit, its name)."""
    if contract_per_s >= 1:
        return 1, "s"
    return (60, "min") if contract_per_s * 60 >= 1 else (3600, "h")


def share(value: float | None) -> str:
    """Say a share (0..1) in whole percent."""
    return MISSING if value is None else f"{value * 100:.0f} %"


def window(per_s: float) -> str:
    """Say the length of a contract's window: second, 2.5 s, minute, hour."""
    names = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}
    return names.get(float(per_s), f"{per_s:g} s")


def lines(ascending: Sequence[int], most: int = 12) -> str:
    """Say line numbers with runs joined, at most `most` runs: 3, 7-9, 12 and 40 more."""
    starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(ascending)) if b > a + 1), len(ascending)]
    runs = [ascending[a:b] for a, b in pairwise(starts) if b > a]
    said = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:most])
    left = sum(len(run) for run in runs[most:])
    return f"{said} and {left} more" if left else said


def cause(text: str | None) -> str:
    """Shorten a cause, and blank what looks like a task token: vendors quote back what they were sent."""
    if not text:
        return MISSING
    blanked = _SECRET_LIKE.sub("[long value removed]", text)
    return blanked if len(blanked) <= _CAUSE_CHARS else blanked[: _CAUSE_CHARS - 1] + "…"
