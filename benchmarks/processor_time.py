"""Processor time and worker memory of an embedded cloud while something runs on it: its server and every Lambda worker.

A worker that ends in mid-run takes its count with it: what it had at the last look stays in the sum.
"""

import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import psutil

from headway.cloud.process import members
from headway.cloud.state import CloudState

BYTES_PER_MB: Final = 1_000_000

Spent = Mapping[tuple[int, float], float]
"""Seconds of processors since each process was made, by its pid and the time when it was made."""


class ProcessorTime:
    """What a cloud has spent from the time when this was made to the last look."""

    def __init__(self, cloud: CloudState) -> None:
        self._cloud = cloud
        self._before = spent_by(cloud)
        self._after: dict[tuple[int, float], float] = {}

    def look(self) -> None:
        """Read all processes that are there."""
        self._after.update(spent_by(self._cloud))

    @property
    def seconds(self) -> float:
        """Seconds of processors, all processes together."""
        return spent_s(self._before, self._after)


def spent_s(before: Spent, after: Spent) -> float:
    """Return the seconds between two readings; a process that was not there before began with none."""
    return sum(seconds - before.get(process, 0.0) for process, seconds in after.items())


def spent_by(cloud: CloudState) -> Spent:
    """Read the processor time of each process of a cloud."""
    spent = {}
    for process in members(cloud):
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            spent[process.pid, process.create_time()] = used.user + used.system
    return spent


def worker_pss_mb(cloud: CloudState) -> Sequence[float]:
    """Return the proportional set size of each Lambda worker in MB, sorted: a page that several share counts once.

    A worker is a child of a template, which is a child of the server (`headway/cloud/patches/forked_workers.py`).
    """
    templates = psutil.Process(cloud.pid).children()
    workers = [worker for template in templates for worker in template.children()]
    sizes = []
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            sizes.append(worker.memory_full_info().pss / BYTES_PER_MB)
    return sorted(sizes)


def median_or_none(values: Sequence[float]) -> float | None:
    """Return the median; None of nothing."""
    return statistics.median(values) if values else None
