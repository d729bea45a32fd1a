"""Code that blocks, on a virtual clock: it runs as it is, each piece in a thread, one at a time.

Whoever waits hands on to the one whose time is first, so that equal runs are equal to the last microsecond, and days
pass in as long as the code itself takes.
"""

import contextvars
import threading
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Final

START_US: Final = 1_800_000_000_000_000
"""True time at the start, epoch microseconds."""

Action = Callable[[], None]
_ACTION: Final = -1
_BEGINNING: Final = -2
"""Marks of an entry that is no thread's: it never sleeps, or it may and gets a thread."""


class Ended(BaseException):
    """Ends a thread that waits when nothing goes on any more."""


class VirtualThread:
    """A thread that waits for its turn, does one action after the other, and may wait in it."""

    def __init__(self, work: Callable[["VirtualThread"], None]) -> None:
        self.turn = threading.Semaphore(0)
        self.action: Action | None = None
        self.wait_number = 0
        self.woken = False
        self.thread = threading.Thread(target=work, args=(self,), daemon=True)
        self.thread.start()


class VirtualThreads:
    """The clock, and what is going to happen. After `until_us` (true time) nothing does; None is without an end."""

    def __init__(self, until_us: int | None = None) -> None:
        self.now_us = START_US
        self._until_us = until_us
        self._done: Callable[[], bool] | None = None
        self._events: list[tuple[int, int, Action | VirtualThread, int]] = []
        self._sequence = count()
        self._idle: list[VirtualThread] = []
        self._threads: list[VirtualThread] = []
        self._running: VirtualThread | None = None
        self._handed_back = threading.Semaphore(0)
        self._over = False
        self._error: BaseException | None = None

    @property
    def current(self) -> VirtualThread | None:
        """The thread whose turn it is; None while nobody's is."""
        return self._running

    def at(self, at_us: int, action: Action) -> None:
        """Let something happen that never waits, at a moment or now where that is over."""
        heappush(self._events, (at_us, next(self._sequence), action, _ACTION))

    def start(self, at_us: int, action: Action) -> None:
        """Let something begin that may wait."""
        heappush(self._events, (at_us, next(self._sequence), action, _BEGINNING))

    def sleep_us(self, duration_us: int) -> None:
        """Sleep, in something that was started."""
        self.park(self.now_us + max(0, duration_us))

    def park(self, until_us: int | None) -> bool:
        """Wait in something that was started, until `wake` or that moment; return whether it was `wake`."""
        if self._over:
            raise Ended  # of what is cleaned up behind the first one
        me = self._running
        if me is None:
            raise RuntimeError("nobody waits who was not started")
        me.wait_number += 1
        me.woken = False
        if until_us is not None:
            heappush(self._events, (until_us, next(self._sequence), me, me.wait_number))
        self._pass_on()
        me.turn.acquire()
        if self._over:
            raise Ended
        return me.woken

    def wake(self, thread: VirtualThread) -> None:
        """Let a thread that waits go on now."""
        thread.wait_number += 1
        thread.woken = True
        heappush(self._events, (self.now_us, next(self._sequence), thread, thread.wait_number))

    def run(self) -> None:
        """Let time pass until nothing more happens, or `until_us`; then end all. Raises as `run_until` does."""
        try:
            self.run_until(self._until_us)
        finally:
            self.close()

    def run_until(self, until_us: int | None, done: Callable[[], bool] | None = None) -> None:
        """Let time pass until that moment, until `done`, or until nothing more happens; what waits, waits on.

        Raises what anything that was started raises. Then all is broken off, and there is only `close`.
        """
        self._until_us, self._done = until_us, done
        self._pass_on()
        self._handed_back.acquire()
        self._running = None
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End every thread where it waits."""
        self._over = True
        for each in self._threads:
            each.action = None
            each.turn.release()
        for each in self._threads:
            each.thread.join()

    def _pass_on(self) -> None:
        """Do what never waits, up to the first that may, and give that its turn."""
        self._running = None
        try:
            while self._is_next():
                at_us, _, what, mark = heappop(self._events)
                if isinstance(what, VirtualThread):
                    if mark != what.wait_number:
                        continue  # it was woken before
                    self.now_us = max(self.now_us, at_us)
                    self._give_turn(what)
                    return
                self.now_us = max(self.now_us, at_us)
                if mark == _BEGINNING:
                    self._begin(what)
                    return
                what()
        except BaseException as error:  # raised where the run was asked for, not in whoever passes on
            self._error = error
        self._handed_back.release()

    def _is_next(self) -> bool:
        if not self._events or (self._done is not None and self._done()):
            return False
        return self._until_us is None or self._events[0][0] <= self._until_us

    def _give_turn(self, thread: VirtualThread) -> None:
        self._running = thread
        thread.turn.release()

    def _begin(self, action: Action) -> None:
        if not self._idle:
            self._threads.append(VirtualThread(self._work))
            self._idle.append(self._threads[-1])
        thread = self._idle.pop()
        thread.action = action
        self._give_turn(thread)

    def _work(self, me: VirtualThread) -> None:
        while True:
            me.turn.acquire()
            if me.action is None:
                return
            try:
                contextvars.Context().run(me.action)  # as a new thread has none of another's variables
                self._idle.append(me)
                self._pass_on()
            except Ended:
                return
            except BaseException as error:  # raised where the run was asked for
                self._error = error
                self._handed_back.release()
                return
