"""The five parameters as they follow from the contract's rate; the contract file has the last word."""

import math
from dataclasses import replace
from typing import Final

from headway_lane.contract.vendor import LEAST_CONCURRENCY, Dispatch, Drain, Pacing, Scope, Vendor

BATCH_LIMIT: Final = 10
"""Most messages that SQS gives in one receive, and a batch without a batching window (service quotas)."""
LONGEST_INTERVAL_MINUTES: Final = 1440
"""Maximum of `interval_minutes` in `vendor.schema.json`."""
START_S: Final = 0.05
"""What a dispatcher works on a call: a conditional write and a StartExecution. An estimate, on the safe side."""
COLD_START_S: Final = 1.0
"""How long the start of a cold worker may take, with boto3 and Powertools. An estimate, on the safe side."""
BATCH_HOLD_S: Final = 10
"""How long a batch may occupy its dispatcher: nothing overtakes a call in it, and a crash gives all of it back."""


def recommend(vendor: Vendor) -> Dispatch:
    """Return the contract's dispatch section with what its rate asks for in place of what it says.

    One dispatcher more than the work on the calls keeps busy, so that one takes the next batch while others wait for
    their slots; two for urgent calls, but none where plain pacing would divide the rate by them too; provisioned
    concurrency for the batches whose slots would pass during a cold start. Below SCHEDULED_BELOW_RPS a schedule drains:
    a minute's calls each minute, and one call per interval where that is longer, so that no dispatcher waits for a slot
    that is far away.
    """
    max_rps = vendor.max_rps(Scope.SUBMIT)
    drain = Drain.of(max_rps)
    concurrency = max(LEAST_CONCURRENCY, math.ceil(max_rps * START_S) + 1)
    urgent_concurrency = LEAST_CONCURRENCY if vendor.dispatch.pacing is Pacing.PERMITS else 0
    interval_minutes = min(LONGEST_INTERVAL_MINUTES, max(1, math.ceil(1 / max_rps / 60)))
    if drain is Drain.SCHEDULE:
        batch_size = min(BATCH_LIMIT, math.ceil(max_rps * 60))
    else:
        batch_size = min(BATCH_LIMIT, max(1, math.floor(max_rps * BATCH_HOLD_S / concurrency)))
    return replace(
        vendor.dispatch,
        drain=drain,
        interval_minutes=interval_minutes,
        batch_size=batch_size,
        batching_window_s=0,
        maximum_concurrency=concurrency,
        urgent_concurrency=urgent_concurrency,
        reserved_concurrency=concurrency + urgent_concurrency,
        provisioned_concurrency=min(concurrency, math.floor(max_rps * COLD_START_S / batch_size)),
    )
