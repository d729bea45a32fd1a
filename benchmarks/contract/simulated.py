"""The sections that are simulated: the functions' own pacing on a virtual clock, an ideal vendor's door behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headway_lane.contract.limits import Limit, Scope
from rich.table import Table

from benchmarks.contract.measuring import Bench
from headway.simulation.lane import SimulatedLane
from headway.simulation.settings import Settings
from headway.simulator import window

CALLS_COUNT = 100_000
JITTER_US = 60_000
ANSWERS_MS = (0, 50, 150, 300, 600)
SETTLING_COUNT = 100
"""So many calls after the jitter has doubled the headroom that is learned has to cover it."""
WINDOW_US = 1_000_000
LEARNED = Settings(
    calls_count=CALLS_COUNT,
    dispatchers_count=5,
    jitter_us=JITTER_US,
    skew_us=1_000,
    headroom_us=None,
    answers_prove_arrival=None,
)
HOT = Settings(
    limits=(Limit(5_000, 1, Scope.SUBMIT),),
    calls_count=CALLS_COUNT,
    dispatchers_count=5,
    jitter_us=10_000,
    skew_us=1_000,
    headroom_us=15_000,
    write_us=10_000,
)


@dataclass(frozen=True, slots=True)
class Part:
    """What the vendor's door saw of some calls in a row."""

    violations_count: int
    utilisation: float


def jitter(bench: Bench) -> None:
    """20/s, 0 to 60 ms between slot and door, the headroom learned; then the same with jitter that doubles."""
    table = Table("answers after", "utilisation", "violations", "jitter doubles: settling", "then", "violations")
    table.title, table.title_justify = f"20/s, jitter of 0 to 60 ms, {CALLS_COUNT:,} simulated calls each", "left"
    for answer_ms in ANSWERS_MS:
        settings = replace(LEARNED, answer_us=answer_ms * 1_000)
        steady = _part(_arrivals(settings), settings)
        doubled_count = CALLS_COUNT // 2
        arrivals = _arrivals(replace(settings, doubled_after_count=doubled_count))
        settled = doubled_count + SETTLING_COUNT
        settling, then = _part(arrivals[: settled + 20], settings), _part(arrivals[settled:], settings)
        table.add_row(
            f"{answer_ms} ms",
            f"{steady.utilisation:.3f}",
            str(steady.violations_count),
            f"{settling.violations_count} violations",
            f"{then.utilisation:.3f}",
            str(then.violations_count),
        )
    bench.out.print(table)


def hot(bench: Bench) -> None:
    """Simulate a budget of 5,000 calls/s, whose writes take 10 ms."""
    table = Table("batch of", "utilisation", "violations")
    table.title, table.title_justify = f"5,000/s, writes of 10 ms, {CALLS_COUNT:,} simulated calls each", "left"
    for batch_size in (10, 100, 1_000):
        settings = replace(HOT, batch_size=batch_size)
        part = _part(_arrivals(settings), settings)
        table.add_row(f"{batch_size:,}", f"{part.utilisation:.3f}", str(part.violations_count))
    bench.out.print(table)


def _arrivals(settings: Settings) -> Sequence[int]:
    lane = SimulatedLane(settings, settings.calls_count, str(settings.seed))
    lane.run()
    return lane.arrivals_us


def _part(arrivals_us: Sequence[int], settings: Settings) -> Part:
    [limit] = settings.limits
    return Part(
        window.violations(arrivals_us, limit.amount, WINDOW_US),
        window.utilisation(arrivals_us, limit.amount, WINDOW_US) or 0.0,
    )
