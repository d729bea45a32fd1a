"""One run above capacity: a warm-up, a backlog that is let go at once, and what came of it.

In: a side that is deployed. Out: the calls as the vendor saw them, and what they cost the cloud. Where nothing moves
for a while, the run notes where the calls are; where nothing moves for longer than a queue hides a message, it ends.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from benchmarks.processor_time import ProcessorTime, median_or_none, worker_pss_mb
from benchmarks.sides import Side
from headway.deployment.queues import QueueAttribute, message_count
from headway.testing.paced import call
from headway.testing.waiting import await_count

WARM_UP_CALLS: Final = 60
LOOK_S: Final = 1.0
STALL_S: Final = 10.0
"""After so long without a call or an end it is noted where the calls are."""
WARM_UP_PATIENCE_S: Final = 30.0
"""A callback that was lost, as the plain way loses some, is not waited for before the run."""
PATIENCE_S: Final = 200.0
"""After so long it is over: longer than a request stays hidden from either side."""
MS_PER_S: Final = 1_000
EDGE_SHARE: Final = 10
"""A tenth of the calls at either end is left out of the middle."""


@dataclass(frozen=True, slots=True)
class AboveRun:
    """What one run showed. `stalls` say for each look during which nothing had moved for ten seconds: seconds since the
    start, calls that had arrived, executions that ran, and messages of the request queue by state.
    """

    calls_per_s: float
    middle_per_s: float
    largest_gap_s: float
    processor_ms_per_call: float
    worker_pss_mb: float
    workers_count: int
    surplus_count: int
    failed_count: int
    stalls: Sequence[Mapping[str, float]] = field(default=())


def run_of(side: Side, calls_count: int) -> AboveRun:
    """Warm a side up, let a backlog go, and wait for its ends."""
    cloud = side.connection.cloud
    if cloud is None:
        raise ValueError("only an embedded cloud can be weighed")
    _let_go(side, min(WARM_UP_CALLS, calls_count), "warm-up", StallWatch(patience_s=WARM_UP_PATIENCE_S))
    side.stop_all()  # what has lost its callback would be taken for a call of the run
    side.vendor.reset()
    spent = ProcessorTime(cloud)
    arns, stalls = _let_go(side, calls_count, "run", StallWatch(on_move=spent.look))
    sizes_mb = worker_pss_mb(cloud)
    arrivals_ms = sorted(side.vendor.report().scopes["submit"].arrivals_epoch_ms)
    succeeded_count = sum(side.described(arn)["status"] == "SUCCEEDED" for arn in arns)
    return AboveRun(
        calls_per_s=rate_per_s(arrivals_ms),
        middle_per_s=rate_per_s(middle(arrivals_ms)),
        largest_gap_s=largest_gap_s(arrivals_ms),
        processor_ms_per_call=spent.seconds * MS_PER_S / calls_count,
        worker_pss_mb=median_or_none(sizes_mb) or 0.0,
        workers_count=len(sizes_mb),
        surplus_count=len(arrivals_ms) - calls_count,
        failed_count=calls_count - succeeded_count,
        stalls=stalls,
    )


def rate_per_s(arrivals_ms: Sequence[float]) -> float:
    """Return the calls a second between the first and the last of sorted arrivals; 0 where there is no time between."""
    span_ms = arrivals_ms[-1] - arrivals_ms[0] if arrivals_ms else 0.0
    return (len(arrivals_ms) - 1) * MS_PER_S / span_ms if span_ms else 0.0


def middle(arrivals_ms: Sequence[float]) -> Sequence[float]:
    """Leave out the first and the last tenth of sorted arrivals."""
    edge_count = len(arrivals_ms) // EDGE_SHARE
    return arrivals_ms[edge_count : len(arrivals_ms) - edge_count]


def largest_gap_s(arrivals_ms: Sequence[float]) -> float:
    """Return the longest time between one of sorted arrivals and the next, in seconds."""
    return max((after - before for before, after in pairwise(arrivals_ms)), default=0.0) / MS_PER_S


@dataclass(frozen=True, slots=True)
class StallWatch:
    """How a run is watched: `on_move` is called after each look at which something had moved."""

    patience_s: float = PATIENCE_S
    on_move: Callable[[], object] = lambda: None
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def until_over(
        self,
        arrived_count: Callable[[], int],
        running_count: Callable[[], int],
        where: Callable[[], Mapping[str, float]],
    ) -> Sequence[Mapping[str, float]]:
        """Look until nothing runs any more, or nothing has moved for too long; return what was noted of stalls."""
        began_s = moved_s = self.now_s()
        seen, stalls = (0, 0), list[Mapping[str, float]]()
        while True:
            self.sleep(LOOK_S)
            found = (arrived_count(), running_count())
            if found != seen:
                seen, moved_s = found, self.now_s()
                self.on_move()
            still_s = self.now_s() - moved_s
            if found[1] == 0 or still_s > self.patience_s:
                return stalls
            if still_s > STALL_S:
                at_s = self.now_s() - began_s
                stalls.append({"at_s": at_s, "arrived": found[0], "running": found[1], **where()})


def _let_go(
    side: Side, calls_count: int, name: str, watch: StallWatch
) -> tuple[Sequence[str], Sequence[Mapping[str, float]]]:
    """Start calls while nobody takes them, let them go, and wait until all executions have ended or nothing moves."""
    with side.held():
        arns = side.start_all({f"{name}-{index}": call({"index": index, "run": name}) for index in range(calls_count)})
        await_count(side.waiting_count, calls_count, "requests that wait")
    return arns, watch.until_over(side.vendor.admitted_count, side.running_count, lambda: where_calls_are(side))


def where_calls_are(side: Side) -> Mapping[str, float]:
    """Count the messages of the request queue by state."""
    return {
        state.name.lower(): message_count(side.connection, side.request_queue_url, state) for state in QueueAttribute
    }
