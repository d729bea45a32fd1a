"""A deployment of a tuning, looked at until it has ended."""

import time
from collections.abc import Callable
from typing import Final

from headway.deployment.connection import Connection
from headway.errors import NotReachable
from headway.operations.tunings import TuningDeployment, state_of

LOOK_S: Final = 2.0
"""Between two looks: AppConfig's quota is of dozens a second for all who ask."""
PATIENCE_S: Final = 1_800.0
"""Longer than the gradual strategy, its bake time and a roll-back take together."""


def followed(
    connection: Connection,
    vendor: str,
    number: int,
    tell: Callable[[TuningDeployment], None] = lambda _: None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock_s: Callable[[], float] = time.monotonic,
) -> TuningDeployment:
    """Return a deployment that has ended. Raises NotReachable where it has not within half an hour."""
    until_s = clock_s() + PATIENCE_S
    while (now := state_of(connection, vendor, number)).is_under_way:
        tell(now)
        if clock_s() >= until_s:
            raise NotReachable(f"deployment {number} of {vendor} is still {now.state}: look with --history")
        sleep(LOOK_S)
    return now
