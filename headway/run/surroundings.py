"""Time and threads of a run, as arguments: only the defaults here are the real ones."""

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass


def _epoch_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`epoch_ms` and `clock_s` tell the time, the latter without jumps; `pool` makes an executor of so many threads."""

    epoch_ms: Callable[[], int] = _epoch_ms
    clock_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    pool: Callable[[int], Executor] = ThreadPoolExecutor
