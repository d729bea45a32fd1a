"""The ledger of a running function, on the tables that the stack bound to its environment."""

from functools import cache

import boto3

from functions import clock
from functions.ledger.store import Ledger
from functions.names import Environment
from functions.settings import setting


@cache
def ledger() -> Ledger:
    """Return this worker's ledger."""
    dynamodb = boto3.resource("dynamodb")
    return Ledger(
        calls=dynamodb.Table(setting(Environment.CALLS_TABLE)),
        jobs=dynamodb.Table(setting(Environment.JOBS_TABLE)),
        epoch_ms=clock.epoch_ms,
    )
