"""Plain pacing: arithmetic that rounds up, and a promise that holds for every window and every start."""

from headway_lane.contract.tuning import Tuning
from headway_lane.limiter.delay import Pacer, pause_us
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import VirtualClock, most_in_any_window

RATES = st.floats(min_value=0.1, max_value=1_000)
DISPATCHERS = st.integers(min_value=1, max_value=50)
DELAYS = st.integers(min_value=0, max_value=20_000)


@given(
    rate_per_s=RATES,
    ceiling_per_s=RATES,
    delay_ms=DELAYS,
    workers=st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=5_000_000),
            st.lists(st.integers(min_value=0, max_value=3_000_000), min_size=1, max_size=25),
        ),
        min_size=1,
        max_size=5,
    ),
    window_us=st.integers(min_value=1_000, max_value=60_000_000),
)
def test_dispatchers_in_parallel_never_start_more_than_the_ceilings_share_of_any_window_and_one_each(
    rate_per_s: float,
    ceiling_per_s: float,
    delay_ms: int,
    workers: list[tuple[int, list[int]]],
    window_us: int,
) -> None:
    pause = pause_us(Tuning(delay_ms, rate_per_s), ceiling_per_s, len(workers))
    starts_us = []
    for born_us, works_us in workers:
        clock = VirtualClock(born_us)
        pacer = Pacer(clock.monotonic_us, clock.sleep_us)
        for work_us in works_us:
            pacer.wait(pause)
            starts_us.append(clock.now_us)
            clock.now_us += work_us
    bound = min(rate_per_s, ceiling_per_s) * window_us / 1_000_000 + len(workers)
    assert most_in_any_window(starts_us, window_us) <= bound + 1e-6


@given(rate_per_s=RATES, dispatchers=DISPATCHERS)
def test_a_pause_is_rounded_up_and_by_less_than_a_microsecond(rate_per_s: float, dispatchers: int) -> None:
    exact_us = dispatchers * 1_000_000 / rate_per_s
    pause = pause_us(Tuning(0, rate_per_s), 1_000, dispatchers)
    assert -1e-3 <= pause - exact_us <= 1 + 1e-3


def test_three_per_second_are_not_333_milliseconds_apart() -> None:
    assert pause_us(Tuning(delay_ms=0, rate_per_s=3), 10, 1) == 333_334


@given(rate_per_s=RATES, above=st.floats(min_value=0, max_value=1_000), delay_ms=DELAYS, dispatchers=DISPATCHERS)
def test_a_rate_above_the_contract_has_no_effect(
    rate_per_s: float, above: float, delay_ms: int, dispatchers: int
) -> None:
    at_contract = pause_us(Tuning(delay_ms, rate_per_s), rate_per_s, dispatchers)
    assert pause_us(Tuning(delay_ms, rate_per_s + above), rate_per_s, dispatchers) == at_contract


@given(rate_per_s=RATES, ceiling_per_s=RATES, delay_ms=DELAYS, dispatchers=DISPATCHERS)
def test_the_longer_of_delay_and_spacing_holds(
    rate_per_s: float, ceiling_per_s: float, delay_ms: int, dispatchers: int
) -> None:
    spacing_us = pause_us(Tuning(0, rate_per_s), ceiling_per_s, dispatchers)
    assert pause_us(Tuning(delay_ms, rate_per_s), ceiling_per_s, dispatchers) == max(delay_ms * 1_000, spacing_us)


def test_the_first_call_of_a_worker_waits_its_whole_pause() -> None:
    clock = VirtualClock(now_us=9_000_000)
    Pacer(clock.monotonic_us, clock.sleep_us).wait(250_000)
    assert clock.slept_us == [250_000]


def test_time_spent_between_two_calls_counts_towards_the_pause() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock.monotonic_us, clock.sleep_us)
    pacer.wait(250_000)
    clock.now_us += 100_000
    pacer.wait(250_000)
    clock.now_us += 300_000
    pacer.wait(250_000)
    assert clock.slept_us == [250_000, 150_000]
