"""Virtual time: a heap of events, and Python's own clocks showing it while a run lasts.

Handlers run to their end within one event; what they sleep moves the time, and what was due meanwhile happens after. In
an overlapping world it happens while they sleep: a second invocation runs, as a whole, in the middle of the first.
"""

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

START_EPOCH_S: Final = 1_800_000_000
LONGEST_S: Final = 12 * 3_600
"""A run whose events do not end by then goes round in circles."""


class Endless(Exception):  # noqa: N818
    """Events beget events for ever."""


class World:
    """True time in epoch microseconds, and what is going to happen."""

    def __init__(self, *, overlapping: bool = False) -> None:
        self._overlapping = overlapping
        self.now_us = START_EPOCH_S * 1_000_000
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = count()
        self.sleepers: list[Callable[[int], None]] = []
        self.log: list[str] = []

    @property
    def now_s(self) -> float:
        """Now, in epoch seconds."""
        return self.now_us / 1_000_000

    def note(self, text: str) -> None:
        """Keep a line for who wants to know what happened."""
        self.log.append(f"{self.now_s - START_EPOCH_S:9.3f} s  {text}")

    def at(self, at_us: int, action: Callable[[], None]) -> None:
        """Let something happen at a moment, or now where that is over."""
        heapq.heappush(self._events, (at_us, next(self._sequence), action))

    def after(self, wait_s: float, action: Callable[[], None]) -> None:
        """Let something happen after some seconds."""
        self.at(self.now_us + round(wait_s * 1_000_000), action)

    def run(self) -> None:
        """Let time pass until nothing more happens. Endless where that takes longer than LONGEST_S."""
        while self._events:
            self._happen()

    def sleep(self, duration_s: float) -> None:
        """Let time pass for whoever sleeps; the last of `sleepers` may not wake."""
        wake_us = self.now_us + max(0, round(duration_s * 1_000_000))
        if self.sleepers:
            self.sleepers[-1](wake_us)
        while self._overlapping and self.sleepers and self._events and self._events[0][0] <= wake_us:
            self._happen()
        self.now_us = max(self.now_us, wake_us)

    def _happen(self) -> None:
        at_us, _, action = heapq.heappop(self._events)
        self.now_us = max(self.now_us, at_us)
        if self.now_s > START_EPOCH_S + LONGEST_S:
            raise Endless
        action()


@contextmanager
def showing(world: World) -> Iterator[None]:
    """Let `time` show a world's time to this thread, and sleep in it."""
    thread = threading.get_ident()
    shown: dict[str, Callable[..., Any]] = {
        "time": lambda: world.now_s,
        "time_ns": lambda: world.now_us * 1_000,
        "monotonic": lambda: world.now_s,
        "monotonic_ns": lambda: world.now_us * 1_000,
        "sleep": world.sleep,
    }
    real = {name: getattr(time, name) for name in shown}

    def chosen(name: str) -> Callable[..., Any]:
        def clock(*args: Any) -> Any:
            return (shown if threading.get_ident() == thread else real)[name](*args)

        return clock

    try:
        for name in shown:
            setattr(time, name, chosen(name))
        yield
    finally:
        for name, function in real.items():
            setattr(time, name, function)
