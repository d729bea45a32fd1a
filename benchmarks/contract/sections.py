"""The sections of the benchmark: each a question about a contract, and what is run to answer it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from benchmarks.contract import simulated
from benchmarks.contract.changing import changing
from benchmarks.contract.measuring import Bench, Figures, table
from headway.testing.paced import Contract

PLAIN_SHARES = (0.75, 0.85, 0.98)
RATES = (1, 3, 5, 9, 10, 20, 35, 50)
RATE_PER_S = 20
CALLS_COUNT = 300
TOGETHER = Contract(RATE_PER_S, per_minute=300, jobs_in_flight=30)
TOGETHER_CALLS = 450
"""The second 300 of a minute's budget begin a minute after the first: the run takes longer than 90 s if it is kept."""
WIDE_RATE_PER_S = 500
"""A contract that limits nothing beside jobs in flight."""

Section = Callable[[Bench], None]


def calls_count(rate_per_s: int) -> int:
    """Return how many calls a run of a contract takes: a quarter of a minute, and 30 at least."""
    return max(30, 15 * rate_per_s)


def rate(bench: Bench, *, rates: tuple[int, ...] = RATES, plain: bool = True) -> None:
    """Measure contracts of several sizes; from 20/s on the plain way and the pipeline's own ceiling beside permits."""
    for rate_per_s in rates:
        count, contract = calls_count(rate_per_s), Contract(rate_per_s, job_time_s=bench.job_time_s)
        others: list[Figures] = []
        if plain and rate_per_s >= RATE_PER_S:
            bench.out.print(f"Without a contract the pipeline submits {bench.ceiling_per_s(count):.1f} calls/s.")
            others = [bench.plain(contract, share, count) for share in PLAIN_SHARES]
        permits = bench.permits("rate", contract, count)
        bench.out.print(table(f"{rate_per_s}/s, {count} calls", [*others, permits]))
        if clean := [measured for measured in others if measured.is_clean]:
            best = max(clean, key=lambda measured: measured.utilisation)
            ratio = permits.utilisation / best.utilisation
            bench.out.print(f"Permits use {ratio:.2f} times as much as {best.setting.name}, the best that is clean.")


def one(title: str, contract: Contract, count: int, runs_count: int | None, name: str, bench: Bench) -> None:
    """Measure permits under one contract."""
    bench.out.print(table(title, [bench.permits(name, contract, count, runs_count)]))


def way(bench: Bench) -> None:
    """Measure a network with 30 ms of exponential jitter, before a vendor that answers at once, and after 50 ms."""
    for answer_s in (0.0, 0.05):
        contract = Contract(RATE_PER_S, job_time_s=bench.job_time_s, answer_s=answer_s, way_jitter_s=0.03)
        title = f"20/s, 30 ms of jitter on the way (exponential), answers after {answer_s * 1_000:.0f} ms"
        one(title, contract, CALLS_COUNT, None, "way", bench)


def in_flight(bench: Bench) -> None:
    """Measure jobs in flight, where nothing else limits."""
    for jobs_count, job_s, count in ((8, 0.8, 200), (30, 2.0, 300)):
        contract = Contract(WIDE_RATE_PER_S, jobs_in_flight=jobs_count, job_time_s=job_s)
        one(f"{jobs_count} jobs in flight of {job_s:g} s each", contract, count, None, "in-flight", bench)


SECTIONS: Final[Mapping[str, Section]] = {
    "rate": rate,
    "soon": partial(one, "20/s, callbacks after 0.3 s", Contract(RATE_PER_S, job_time_s=0.3), 300, None, "soon"),
    "slow": partial(
        one,
        "20/s, answers to submits after 0.3 s (exponential), as it comes",
        Contract(RATE_PER_S, job_time_s=16.0, answer_jitter_s=0.3),
        CALLS_COUNT,
        None,
        "slow",
    ),
    "way": way,
    "in-flight": in_flight,
    "together": partial(
        one, "20/s, 300 a minute and 30 jobs in flight at once", TOGETHER, TOGETHER_CALLS, 1, "together"
    ),
    "changing": changing,
    "jitter": simulated.jitter,
    "hot": simulated.hot,
}
