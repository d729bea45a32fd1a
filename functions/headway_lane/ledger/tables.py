"""The ledger of a running function, on the tables that the stack bound to its environment."""

from functools import cache

from headway_lane.ledger.store import Ledger
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting


@cache
def ledger() -> Ledger:
    """Return this worker's ledger."""
    return Ledger(
        calls=aws.table(setting(Environment.CALLS_TABLE)),
        jobs=aws.table(setting(Environment.JOBS_TABLE)),
        epoch_ms=clock.epoch_ms,
    )
