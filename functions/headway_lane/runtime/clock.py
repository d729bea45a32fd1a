"""The clocks of a running function; everything else takes a clock as an argument."""

import time


def epoch_ms() -> int:
    """Return wall time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def epoch_s() -> float:
    """Return wall time in epoch seconds."""
    return time.time()


def epoch_us() -> int:
    """Return wall time in epoch microseconds."""
    return time.time_ns() // 1_000


def monotonic_us() -> int:
    """Return monotonic time in microseconds."""
    return time.monotonic_ns() // 1_000


def sleep_s(duration_s: float) -> None:
    """Block for a duration in seconds."""
    time.sleep(duration_s)


def sleep_us(duration_us: int) -> None:
    """Block for a duration in microseconds."""
    time.sleep(duration_us / 1_000_000)
