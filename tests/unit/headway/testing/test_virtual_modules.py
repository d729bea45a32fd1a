"""Threads, events, conditions and executors on a virtual clock: as the real ones, and in no time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from headway.testing.virtual_modules import VirtualPrimitives, replaced
from headway.testing.virtual_threads import START_US, VirtualThreads


class Library:
    """Code that knows the real things by name, with virtual ones in their place; `log` is what it did and when."""

    def __init__(self) -> None:
        self.threads = VirtualThreads()
        self.log: list[tuple[float, str]] = []
        self.module: Any = ModuleType("library")
        vars(self.module).update(
            threading=threading, time=time, datetime=datetime, Executor=ThreadPoolExecutor, Lock=threading.Lock
        )
        self.primitives = VirtualPrimitives(self.threads)

    def note(self, word: str) -> None:
        self.log.append(((self.threads.now_us - START_US) / 1_000_000, word))

    def run(self, work: Callable[[Any], None]) -> list[tuple[float, str]]:
        with replaced([self.module], self.primitives.names):
            self.threads.start(self.threads.now_us, lambda: work(self.module))
            self.threads.run()
        return self.log


@pytest.fixture
def library() -> Library:
    return Library()


def test_a_sleep_of_a_week_is_over_at_once_and_each_clock_shows_it(library: Library) -> None:
    def work(module: Any) -> None:
        before_s, moment = module.time.monotonic(), module.datetime.now(UTC)
        module.time.sleep(604_800)
        assert module.time.monotonic() - before_s == 604_800
        assert (module.datetime.now(UTC) - moment).total_seconds() == 604_800
        assert isinstance(datetime.now(UTC), module.datetime)
        library.note("slept")

    assert library.run(work) == [(604_800, "slept")]


def test_an_event_wakes_who_waits_and_a_timeout_who_waits_too_long(library: Library) -> None:
    def work(module: Any) -> None:
        event = module.threading.Event()

        def wait(timeout: float) -> None:
            library.note(f"{timeout:g}: {event.wait(timeout)}")

        waiting = [module.threading.Thread(target=wait, args=(timeout,)) for timeout in (5, 500)]
        for each in waiting:
            each.start()
        module.time.sleep(60)
        event.set()
        for each in waiting:
            each.join()
        library.note(f"alive: {waiting[0].is_alive()}")

    assert library.run(work) == [(5, "5: False"), (60, "500: True"), (60, "alive: False")]


def test_a_lock_is_held_over_a_sleep_and_a_condition_gives_it_back(library: Library) -> None:
    def work(module: Any) -> None:
        lock, condition = module.Lock(), module.threading.Condition()

        def hold() -> None:
            with lock:
                module.time.sleep(10)
            module.time.sleep(2)
            with condition:
                condition.notify_all()

        module.threading.Thread(target=hold).start()
        module.time.sleep(1)
        with lock:
            library.note("has the lock")
        with condition:
            library.note(f"notified: {condition.wait(5)}")

    assert library.run(work) == [(10, "has the lock"), (12, "notified: True")]


def test_an_executor_does_as_many_things_at_once_as_it_has_workers(library: Library) -> None:
    def work(module: Any) -> None:
        def take(seconds: float) -> float:
            module.time.sleep(seconds)
            library.note(f"took {seconds:g}")
            return seconds

        with module.Executor(max_workers=2) as pool:
            futures = [pool.submit(take, seconds) for seconds in (10, 20, 30)]
            with pytest.raises(TimeoutError):
                futures[0].result(timeout=1)
        assert [future.result() for future in futures] == [10, 20, 30]

    assert library.run(work) == [(10, "took 10"), (20, "took 20"), (40, "took 30")]


def test_what_a_thread_raises_is_raised_where_the_run_was_asked_for(library: Library) -> None:
    def work(module: Any) -> None:
        def stumble() -> None:
            raise KeyError("it")

        module.threading.Thread(target=stumble).start()
        module.time.sleep(1)
        library.note("never")

    with pytest.raises(KeyError, match="it"):
        library.run(work)
    assert library.log == []
    assert library.module.time is time, "the real names are back"


def test_a_run_may_be_held_and_go_on(library: Library) -> None:
    threads = library.threads

    def sleep() -> None:
        threads.sleep_us(5_000_000)
        library.note("woke")

    threads.start(threads.now_us, sleep)
    threads.run_until(START_US + 1_000_000)
    assert library.log == []
    threads.run_until(START_US + 9_000_000)
    assert library.log == [(5, "woke")]
    threads.close()
