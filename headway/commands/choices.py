"""What commands for operators choose by: ages, IDs, how many; and how they ask before what cannot be undone."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from headway.terminal import say

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AGE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")
_ELLIPSIS: Final = "…"


def age_s(text: str | float) -> float:
    """Read an age: `90`, `90s`, `5m`, `2h`, `3d`."""
    found = _AGE.fullmatch(str(text))
    if found is None:
        raise typer.BadParameter(f"{text} is no age; write 90s, 5m, 2h or 3d")
    return float(found[1]) * _UNITS_S[found[2] or "s"]


OfVendor = Annotated[str | None, typer.Option("--vendor", help="Only those of one vendor.", show_default=False)]
OlderThan = Annotated[
    float | None,
    typer.Option("--older-than", help="Only older ones: 90s, 5m, 2h, 3d.", parser=age_s, show_default=False),
]
NewerThan = Annotated[
    float | None, typer.Option("--newer-than", help="Only newer ones.", parser=age_s, show_default=False)
]


def sure(question: str, *, yes: bool) -> None:
    """Ask before what cannot be undone; whoever does not say yes ends the command."""
    if not yes:
        say(question, err=True)
        typer.confirm("Go on?", abort=True, err=True)


def so_many(count: int, limit: int) -> str:
    """Say how many were listed, and whether `limit` has cut the list."""
    return f"the first {count:,}; --limit 0 lists all" if count == limit else f"{count:,} in all"


def moment(epoch_s: float) -> str:
    """Write a moment to the millisecond, as logs have it."""
    return f"{datetime.fromtimestamp(epoch_s, tz=UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def cut(text: str, length: int) -> str:
    """Write a text on one line, within so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + _ELLIPSIS
