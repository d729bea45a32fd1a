"""Code that blocks, on a virtual clock: functions of the lane run as they are, each in a thread, one at a time.

Whoever sleeps hands on to the one whose time is first, so that equal runs are equal to the last microsecond, and
hours pass in as long as the code itself takes.
"""

import threading
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Final

START_US: Final = 1_800_000_000_000_000
"""True time at the start, epoch microseconds."""

Action = Callable[[], None]


class _Over(BaseException):
    """Ends a thread that sleeps when the run is over."""


class _VirtualThread:
    """A thread that waits for its turn, does one action after the other, and may sleep in it."""

    def __init__(self, work: Callable[["_VirtualThread"], None]) -> None:
        self.turn = threading.Semaphore(0)
        self.action: Action | None = None
        self.thread = threading.Thread(target=work, args=(self,), daemon=True)
        self.thread.start()


class VirtualThreads:
    """The clock, and what is going to happen. After `until_us` (true time) nothing does."""

    def __init__(self, until_us: int) -> None:
        self.now_us = START_US
        self._until_us = until_us
        self._events: list[tuple[int, int, Action | _VirtualThread, bool]] = []
        self._sequence = count()
        self._idle: list[_VirtualThread] = []
        self._threads: list[_VirtualThread] = []
        self._running: _VirtualThread | None = None
        self._ended = threading.Semaphore(0)
        self._over = False
        self._error: BaseException | None = None

    def at(self, at_us: int, action: Action) -> None:
        """Let something happen that never sleeps, at a moment or now where that is over."""
        heappush(self._events, (at_us, next(self._sequence), action, False))

    def start(self, at_us: int, action: Action) -> None:
        """Let something begin that may sleep."""
        heappush(self._events, (at_us, next(self._sequence), action, True))

    def sleep_us(self, duration_us: int) -> None:
        """Sleep, in something that was started."""
        if self._over:
            raise _Over  # of what is cleaned up behind the first one
        me = self._running
        if me is None:
            raise RuntimeError("nobody sleeps who was not started")
        heappush(self._events, (self.now_us + max(0, duration_us), next(self._sequence), me, True))
        self._pass_on()
        me.turn.acquire()
        if self._over:
            raise _Over

    def run(self) -> None:
        """Let time pass until nothing more happens, or `until_us`. Raises what anything that was started raises."""
        self._pass_on()
        self._ended.acquire()
        self._over = True
        for each in self._threads:
            each.action = None
            each.turn.release()
        for each in self._threads:
            each.thread.join()
        if self._error is not None:
            raise self._error

    def _pass_on(self) -> None:
        """Do what never sleeps, up to the first that may, and give that its turn."""
        while self._events and self._events[0][0] <= self._until_us:
            at_us, _, what, may_sleep = heappop(self._events)
            self.now_us = max(self.now_us, at_us)
            if isinstance(what, _VirtualThread):
                self._running = what
                what.turn.release()
                return
            if may_sleep:
                self._begin(what)
                return
            what()
        self._ended.release()

    def _begin(self, action: Action) -> None:
        if not self._idle:
            self._threads.append(_VirtualThread(self._work))
            self._idle.append(self._threads[-1])
        self._running = self._idle.pop()
        self._running.action = action
        self._running.turn.release()

    def _work(self, me: _VirtualThread) -> None:
        while True:
            me.turn.acquire()
            if me.action is None:
                return
            try:
                me.action()
                self._idle.append(me)
                self._pass_on()
            except _Over:
                return
            except BaseException as error:  # raised where the run was asked for
                self._error = error
                self._ended.release()
                return
