"""What child processes use while something runs: time by the clock, processor time, and memory at its most."""

import os
import resource
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

LOOK_S: Final = 0.1
BYTES_PER_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds by the clock, seconds of processors, and the largest sum of resident memory of all child processes."""

    seconds: float
    processor_s: float
    memory_mib: float


def usage_of(work: Callable[[], object]) -> Usage:
    """Run `work`, and return what the processes used that it started and waited for."""
    largest_bytes, over = 0, threading.Event()

    def look() -> None:
        nonlocal largest_bytes
        own = psutil.Process(os.getpid())
        while not over.wait(LOOK_S):
            largest_bytes = max(largest_bytes, sum(map(_resident_bytes, own.children(recursive=True))))

    before_s, started_s = _processor_s(), time.monotonic()
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        work()
    finally:
        over.set()
        watcher.join()
    return Usage(time.monotonic() - started_s, _processor_s() - before_s, largest_bytes / BYTES_PER_MIB)


def _resident_bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _processor_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime
