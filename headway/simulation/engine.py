"""A whole simulation: one lane per vendor, one after the other, because they share nothing."""

from collections.abc import Callable
from functools import partial

from headway.simulation.lane import START_US, SimulatedLane
from headway.simulation.outcome import Outcome, Tally, seen, together
from headway.simulation.settings import Settings


def simulate(settings: Settings, progress: Callable[[int], None] = lambda _: None) -> Outcome:
    """Simulate, and let the vendor judge. `progress` is told how many calls have arrived.

    Calls are shared out evenly; each lane has its own random numbers, drawn from seed and index.
    """
    tally, verdicts, sample_us = Tally(), [], [0]
    done_count = last_us = 0
    for index in range(settings.vendors_count):
        calls_count = (settings.calls_count - done_count) // (settings.vendors_count - index)
        lane = SimulatedLane(settings, calls_count, f"{settings.seed}/{index}")
        lane.run(partial(_add, progress, done_count))
        done_count += calls_count
        tally += lane.tally
        verdicts.append(seen(settings.limits, lane.rule, lane.arrivals_us))
        last_us = max(last_us, lane.arrivals_us[-1])
        if index == 0:
            sample_us = [at_us - START_US for at_us in lane.arrivals_us]
    return Outcome(
        calls_count=done_count,
        vendors_count=settings.vendors_count,
        virtual_us=last_us - START_US,
        limits=together(verdicts),
        tally=tally,
        sample_us=sample_us,
    )


def _add(progress: Callable[[int], None], before_count: int, arrived_count: int) -> None:
    progress(before_count + arrived_count)
