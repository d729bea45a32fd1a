"""A rate that an operator changes while calls are made: the whole contract, a quarter of it, the whole again."""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from rich.table import Table

from benchmarks.contract.measuring import Bench
from headway.operations.strategy import Strategy
from headway.operations.tunings import COMPLETE, deploy, state_of
from headway.simulator.window import violations, worst_window
from headway.testing.laboratory import VENDOR, Laboratory
from headway.testing.paced import Contract, Setting, call, paced_laboratory
from headway.testing.waiting import await_count, until

RATE_PER_S: Final = 20
SLOWER_PER_S: Final = 5
FIRST_COUNT: Final = 120
"""Calls before the rate is changed."""
STANDS_S: Final = 20.0
"""The longest that the faster rate may still stand, behind the end of a deployment: 15 s, and what a function keeps."""
SLOW_S: Final = 20.0
"""So long it is looked at under the slower rate."""
LAST_COUNT: Final = 160
"""Calls under the contract's rate again."""
TAIL_COUNT: Final = LAST_COUNT // 10
"""The last of them are left out, as in the other sections: they come one by one from wherever they waited."""
CALLS_COUNT: Final = FIRST_COUNT + round((STANDS_S + SLOW_S) * SLOWER_PER_S) + 2 * LAST_COUNT


class Changed(NamedTuple):
    """Arrivals in microseconds, and when each deployment had ended on the same clock."""

    arrivals_us: Sequence[int]
    slower_us: int
    faster_us: int
    failed_count: int


def changing(bench: Bench) -> None:
    """Change the rate of a lane under load, by AppConfig, and print what the vendor saw of it."""
    contract = Contract(RATE_PER_S, job_time_s=bench.job_time_s)
    setting = Setting("permits", "permits", RATE_PER_S)
    with TemporaryDirectory() as folder, paced_laboratory(Path(folder), contract, setting) as lab:
        bench.out.print(table_of(observe(lab)))


def observe(lab: Laboratory) -> Changed:
    """Let a backlog go, and change the rate twice meanwhile."""
    with lab.held(lab.lane.dispatcher_function):
        arns = lab.start_all({f"changing-{index}": call({"index": index}) for index in range(CALLS_COUNT)})
        await_count(lambda: lab.depth(lab.lane.request_queue_url), CALLS_COUNT, "requests that wait")
    await_count(lab.vendor.admitted_count, FIRST_COUNT, "jobs that were accepted")
    slower_us = _change(lab, SLOWER_PER_S)
    time.sleep(STANDS_S + SLOW_S)
    faster_us = _change(lab, RATE_PER_S)
    ends = lab.ends_of(arns, pause_s=2)
    arrivals_us = sorted(round(at_ms * 1_000) for at_ms in lab.vendor.report().scopes["submit"].arrivals_epoch_ms)
    return Changed(arrivals_us, slower_us, faster_us, CALLS_COUNT - ends.get("SUCCEEDED", 0))


def table_of(seen: Changed) -> Table:
    """Lay out the three parts: before, when the slower rate is everywhere, and when the faster one is again."""
    settled_us = round(STANDS_S * 1_000_000)
    parts = {
        f"{RATE_PER_S}/s": (RATE_PER_S, 0, seen.slower_us),
        f"{SLOWER_PER_S}/s, {STANDS_S:g} s after the deployment": (
            SLOWER_PER_S,
            seen.slower_us + settled_us,
            seen.faster_us,
        ),
        f"{RATE_PER_S}/s, {STANDS_S:g} s after the next one": (
            RATE_PER_S,
            seen.faster_us + settled_us,
            seen.arrivals_us[-TAIL_COUNT],
        ),
    }
    title = f"20/s -> 5/s -> 20/s under load; {len(seen.arrivals_us)} calls, {seen.failed_count} failed"
    laid = Table("", "calls/s", "most in a second", "violations of it", title=title, title_justify="left")
    for name, (rate, from_us, to_us) in parts.items():
        inside = [at_us for at_us in seen.arrivals_us if from_us <= at_us <= to_us]
        reached = (len(inside) - 1) * 1_000_000 / (inside[-1] - inside[0]) if len(inside) > 1 else 0.0
        broken = violations(inside, rate, 1_000_000)
        laid.add_row(name, f"{reached:.2f}", str(worst_window(inside, 1_000_000)), str(broken))
    laid.add_row(
        "all of it",
        "",
        str(worst_window(seen.arrivals_us, 1_000_000)),
        str(violations(seen.arrivals_us, RATE_PER_S, 1_000_000)),
    )
    return laid


def _change(lab: Laboratory, rate_per_s: int) -> int:
    """Deploy a tuning at once; return when that had ended, in microseconds."""
    number = deploy(lab.connection, VENDOR, {"delay_ms": 0, "rate_per_s": rate_per_s}, Strategy.NOW)
    until(lambda: state_of(lab.connection, VENDOR, number).state == COMPLETE)
    return time.time_ns() // 1_000
