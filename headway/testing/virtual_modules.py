"""`threading`, `time`, `datetime` and `concurrent.futures` on a virtual clock, put into modules for a while.

A library that waits by these names waits on `VirtualThreads` instead: no line of it is another, and no second passes.
"""

import concurrent.futures
import contextlib
import datetime
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import ModuleType, SimpleNamespace, TracebackType
from typing import Any, Final

from headway.testing.virtual_threads import VirtualThread, VirtualThreads

US_PER_S: Final = 1_000_000


class VirtualPrimitives:
    """What stands in for the real things, by the real thing: `names` is for `replaced`."""

    def __init__(self, threads: VirtualThreads) -> None:
        def bound(kind: type) -> Callable[..., Any]:
            return lambda *arguments, **options: kind(threads, *arguments, **options)

        made = {
            "Thread": bound(Thread),
            "Event": bound(Event),
            "Lock": bound(Lock),
            "RLock": bound(Lock),
            "Condition": bound(Condition),
        }
        moment = virtual_datetime(threads)

        def now_s() -> float:
            return threads.now_us / US_PER_S

        def sleep(seconds: float) -> None:
            threads.sleep_us(round(seconds * US_PER_S))

        clock = {"sleep": sleep, "time": now_s, "monotonic": now_s, "perf_counter": now_s}
        self.time = _with(time, clock)
        self.names: Mapping[int, Any] = {
            id(threading): _with(threading, made),
            **{id(getattr(threading, name)): made[name] for name in ("Thread", "Event", "Lock", "RLock", "Condition")},
            id(time): self.time,
            id(time.sleep): sleep,
            id(datetime): _with(datetime, {"datetime": moment}),
            id(datetime.datetime): moment,
            id(concurrent.futures.ThreadPoolExecutor): bound(Executor),
            id(concurrent.futures.wait): wait_for_all,
            # The longest of the pauses that a jitter may choose: a test knows when the next attempt is.
            id(random): _with(random, {"uniform": lambda _, longest: longest}),
        }


def modules_under(*prefixes: str) -> list[ModuleType]:
    """Return the modules that are imported by now, of these names or in packages of these names."""
    return [
        module
        for name, module in sorted(sys.modules.items())
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes) and module is not None
    ]


@contextlib.contextmanager
def replaced(modules: Iterable[ModuleType], names: Mapping[int, Any]) -> Iterator[None]:
    """Let the modules know other things under their own names: `names` is by the identity of the real thing."""
    before: list[tuple[ModuleType, str, Any]] = []
    for module in modules:
        for name, value in list(vars(module).items()):
            if id(value) in names:
                before.append((module, name, value))
                setattr(module, name, names[id(value)])
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@contextlib.contextmanager
def put(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Give a class or a module another attribute for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def virtual_datetime(threads: VirtualThreads) -> Any:
    """Return a class like `datetime.datetime` that has the virtual time; naive moments are in UTC."""

    class AnyMoment(type(datetime.datetime)):  # type: ignore[misc] # `type` of a class that is built in
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime.datetime)

    class Moment(datetime.datetime, metaclass=AnyMoment):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            at = datetime.datetime.fromtimestamp(threads.now_us / US_PER_S, datetime.UTC)
            return at.astimezone(tz) if tz else at.replace(tzinfo=None)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now()

    return Moment


class Event:
    """`threading.Event`."""

    def __init__(self, threads: VirtualThreads) -> None:
        self._threads = threads
        self._set = False
        self._waiting: list[VirtualThread] = []

    def is_set(self) -> bool:
        """Return whether it is set."""
        return self._set

    def set(self) -> None:
        """Set it, and wake all that wait."""
        self._set = True
        woken, self._waiting = self._waiting, []
        for thread in woken:
            self._threads.wake(thread)

    def clear(self) -> None:
        """Take it back."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, `timeout` seconds at most; return whether it is."""
        return self._set or self.park(timeout) or self._set

    def park(self, timeout: float | None = None) -> bool:
        """Wait until it is set the next time; return whether it was."""
        me, end_us = self._threads.current, None
        if timeout is not None:
            end_us = self._threads.now_us + round(timeout * US_PER_S)
        if me is not None:
            self._waiting.append(me)
        woken = self._threads.park(end_us)
        if not woken and me in self._waiting:
            self._waiting.remove(me)
        return woken


class Lock:
    """`threading.Lock` and `threading.RLock`: whoever has it may take it again."""

    def __init__(self, threads: VirtualThreads) -> None:
        self._threads = threads
        self._free = Event(threads)
        self._owner: VirtualThread | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; return whether that was possible."""
        while self._count and self._owner is not self._threads.current:
            if not blocking or not (self._free.park(None if timeout < 0 else timeout) or timeout < 0):
                return False
        self._owner = self._threads.current
        self._count += 1
        return True

    def release(self) -> None:
        """Give it back."""
        self._count -= 1
        if not self._count:
            self._owner = None
            self._free.set()
            self._free.clear()

    def locked(self) -> bool:
        """Return whether somebody has it."""
        return self._count > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Condition:
    """`threading.Condition`."""

    def __init__(self, threads: VirtualThreads, lock: Lock | None = None) -> None:
        self._lock = lock or Lock(threads)
        self._notified = Event(threads)
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a notice without the lock; return whether there was one."""
        self._lock.release()
        try:
            return self._notified.park(timeout)
        finally:
            self._lock.acquire()

    def notify_all(self) -> None:
        """Wake all that wait."""
        self._notified.set()
        self._notified.clear()

    def notify(self, n: int = 1) -> None:
        """Wake all that wait: each looks again whether it is meant, as with the real one it has to."""
        del n
        self.notify_all()

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Thread:
    """`threading.Thread`; what it raises is raised where the run was asked for."""

    def __init__(
        self,
        threads: VirtualThreads,
        group: None = None,
        target: Callable[..., Any] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        del group
        self.name, self.daemon, self.native_id, self.ident = name, daemon, 0, 0
        self._threads, self._ended, self._begun = threads, Event(threads), False
        self._target, self._arguments, self._options = target, args, kwargs or {}

    def start(self) -> None:
        """Begin it, after what else happens now."""
        self._begun = True
        self._threads.start(self._threads.now_us, self.run)

    def run(self) -> None:
        """Do what it is for."""
        try:
            if self._target is not None:
                self._target(*self._arguments, **self._options)
        finally:
            self._ended.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        self._ended.wait(timeout)

    def is_alive(self) -> bool:
        """Return whether it has begun and not ended."""
        return self._begun and not self._ended.is_set()


class Future:
    """`concurrent.futures.Future` of the executor below."""

    def __init__(self, threads: VirtualThreads) -> None:
        self._ended = Event(threads)
        self._result: Any = None
        self._problem: Exception | None = None

    def take(self, work: Callable[[], Any]) -> None:
        """Do what it is for."""
        try:
            self._result = work()
        except Exception as problem:
            self._problem = problem
        finally:
            self._ended.set()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result; raises TimeoutError, or what the work raised."""
        if not self._ended.wait(timeout):
            raise TimeoutError
        if self._problem is not None:
            raise self._problem
        return self._result

    def wait(self) -> None:
        """Wait for the end, whatever it is."""
        self._ended.wait()


class Executor:
    """`concurrent.futures.ThreadPoolExecutor`."""

    def __init__(self, threads: VirtualThreads, max_workers: int | None = None, **_: Any) -> None:
        self._threads = threads
        self._free_count = max_workers or 32
        self._waiting: deque[tuple[Future, Callable[[], Any]]] = deque()
        self._futures: list[Future] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Do something once there is a worker for it."""
        future = Future(self._threads)
        self._futures.append(future)
        self._waiting.append((future, lambda: work(*args, **kwargs)))
        self._next()
        return future

    def shutdown(self, wait: bool = True, **_: Any) -> None:
        """Wait for all that was submitted."""
        if wait:
            wait_for_all(self._futures)

    def _next(self) -> None:
        if self._free_count and self._waiting:
            self._free_count -= 1
            self._threads.start(self._threads.now_us, partial(self._work, *self._waiting.popleft()))

    def _work(self, future: Future, work: Callable[[], Any]) -> None:
        future.take(work)
        self._free_count += 1
        self._next()

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()


def wait_for_all(futures: Iterable[Future]) -> None:
    """`concurrent.futures.wait`, as far as anybody needs it: wait for the end of all."""
    for future in futures:
        future.wait()


def _with(module: ModuleType, changed: Mapping[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{**vars(module), **changed})
