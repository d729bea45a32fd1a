"""The five parameters as they follow from the contract's rate; the contract file has the last word."""

import math
from dataclasses import dataclass, replace
from typing import Final

from headway_lane.contract.dispatch import BATCH_SIZE, LEAST_CONCURRENCY, Dispatch, Trigger
from headway_lane.contract.formula import formula
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor

BATCH_LIMIT: Final = BATCH_SIZE
"""No more than one receive gives: larger batches wait for their window, and stand in others' way."""
LONGEST_INTERVAL_MINUTES: Final = 1440
"""Maximum of `interval_minutes` in `vendor.schema.json`."""
START_S: Final = 0.05
"""What a dispatcher works on a call: a conditional write and a StartExecution. An estimate, on the safe side."""
COLD_START_S: Final = 1.0
"""How long the start of a cold worker may take, with boto3 and Powertools. An estimate, on the safe side."""
BATCH_HOLD_S: Final = 10
"""How long a batch may occupy its dispatcher: nothing overtakes a call in it, and a crash gives all of it back."""
_UNSET: Final = "; chosen so where `dispatch.trigger` says nothing"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What a contract's rate asks for. Each number follows from those recommended beside it."""

    vendor: Vendor

    @property
    def max_rps(self) -> float:
        """Submits per second that the contract's tightest limit allows."""
        return self.vendor.max_rps(Scope.SUBMIT)

    @property
    @formula(
        "max_rps >= scheduled_below_rps",
        when="not by_schedule",
        note=f"often enough for a dispatcher that polls{_UNSET}",
    )
    @formula(
        "max_rps < scheduled_below_rps",
        when="by_schedule",
        note=f"so rare that a polling dispatcher would idle{_UNSET}",
    )
    def trigger(self) -> Trigger:
        """What empties the request queue; the text is the condition, which is true."""
        return Trigger.of(self.max_rps)

    @property
    def by_schedule(self) -> bool:
        """Whether a schedule is recommended to drain."""
        return self.trigger is Trigger.SCHEDULE

    @property
    def asks_for_interval(self) -> bool:
        """Whether the interval of a schedule matters: one drains, or should."""
        return Trigger.SCHEDULE in (self.trigger, self.vendor.dispatch.trigger)

    @property
    @formula("min(batch_limit, ceil(max_rps x 60))", when="by_schedule")
    @formula(
        "min(batch_limit, max(1, floor(max_rps x batch_hold_s / maximum_concurrency)))",
        when="not by_schedule",
    )
    def batch_size(self) -> int:
        """A minute's calls for a schedule; else what one dispatcher of many carries while a batch may occupy it."""
        if self.by_schedule:
            return min(BATCH_LIMIT, math.ceil(self.max_rps * 60))
        return min(BATCH_LIMIT, max(1, math.floor(self.max_rps * BATCH_HOLD_S / self.maximum_concurrency)))

    @property
    @formula("0", note="what waits fills a batch by itself; a window delays the first call")
    def batching_window_s(self) -> int:
        """No window."""
        return 0

    @property
    @formula(
        "max(least_concurrency, ceil(max_rps x start_s) + 1)",
        note="one takes the next batch while the others wait for their slots",
    )
    def maximum_concurrency(self) -> int:
        """One dispatcher more than the work on the calls keeps busy."""
        return max(LEAST_CONCURRENCY, math.ceil(self.max_rps * START_S) + 1)

    @property
    @formula(
        "least_concurrency",
        when="vendor.dispatch.by_permits",
        note="dispatchers of the urgent queue, which reserve like the others",
    )
    @formula(
        "0",
        when="not vendor.dispatch.by_permits",
        note="no urgent queue: the rate is divided by all dispatchers, idle ones too",
    )
    def urgent_concurrency(self) -> int:
        """Dispatchers of urgent calls; none where plain pacing would divide the rate by them too."""
        return LEAST_CONCURRENCY if self.vendor.dispatch.by_permits else 0

    @property
    @formula("maximum_concurrency + urgent_concurrency", note="a polled batch always finds a worker")
    def reserved_concurrency(self) -> int:
        """Workers kept for the dispatchers of both queues."""
        return self.maximum_concurrency + self.urgent_concurrency

    @property
    @formula(
        "min(maximum_concurrency, floor(max_rps x cold_start_s / batch_size))",
        note="batches whose slots pass during a cold start",
    )
    def provisioned_concurrency(self) -> int:
        """Warm workers, for the batches whose slots would pass during a cold start."""
        return min(self.maximum_concurrency, math.floor(self.max_rps * COLD_START_S / self.batch_size))

    @property
    @formula(
        "min(longest_interval_minutes, max(1, ceil(1 / max_rps / 60)))",
        when="asks_for_interval",
        note="of the schedule",
    )
    def interval_minutes(self) -> int:
        """A minute, and one call per interval where that is longer: no dispatcher waits for a slot far away."""
        return min(LONGEST_INTERVAL_MINUTES, max(1, math.ceil(1 / self.max_rps / 60)))


def recommend(vendor: Vendor) -> Dispatch:
    """Return the contract's dispatch section with what its rate asks for in place of what it says."""
    advice = Recommendation(vendor)
    return replace(
        vendor.dispatch,
        trigger=advice.trigger,
        interval_minutes=advice.interval_minutes,
        batch_size=advice.batch_size,
        batching_window_s=advice.batching_window_s,
        maximum_concurrency=advice.maximum_concurrency,
        urgent_concurrency=advice.urgent_concurrency,
        reserved_concurrency=advice.reserved_concurrency,
        provisioned_concurrency=advice.provisioned_concurrency,
    )
