"""Warming what a run needs before its first slot: a cold worker misses it, or comes late for it.

A favour, not a condition: where it is refused, the run starts all the same.
"""

import json
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.warm_up import WARM_UP

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

WORKED_S: Final = 1.0
"""A caller is at work for about so long: its lead, the vendor's answer, and the ledger."""
MOST_COUNT: Final = 50
"""Callers that are started ahead, at most."""
BESIDE_COUNT: Final = 4
"""Workers of each function that takes callbacks and results, which begin in mid-run."""
HELD_S: Final = 1.5
"""Each is held for so long that the next event does not come to a worker that is warm already."""


def callers_count(vendor: Vendor, lines_count: int) -> int:
    """Return how many callers a vendor's contract keeps at work at one time, no more than there are lines."""
    return min(MOST_COUNT, lines_count, math.ceil(vendor.burst_rps(Scope.SUBMIT) * WORKED_S))


def warm(client: "LambdaClient", counts: Mapping[str, int], pool: Callable[[int], Executor]) -> None:
    """Start so many workers of each function, all at once, and wait until they are there."""
    functions = [name for name, count in counts.items() for _ in range(count)]
    if functions:
        with pool(len(functions)) as executor:
            list(executor.map(partial(_start, client), functions))


def _start(client: "LambdaClient", function: str) -> None:
    with suppress(BotoCoreError, ClientError):
        client.invoke(FunctionName=function, Payload=json.dumps({WARM_UP: HELD_S}).encode())
