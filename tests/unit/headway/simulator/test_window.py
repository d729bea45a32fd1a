import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.simulator.window import SlidingWindow, utilisation, violations, worst_window

arrivals = st.lists(st.integers(0, 60), max_size=40)
amounts = st.integers(1, 5)
pers_us = st.integers(1, 20)


def seen_in(arrivals_us: list[int], start_us: int, per_us: int) -> int:
    return sum(start_us <= at_us < start_us + per_us for at_us in arrivals_us)


@given(arrivals, pers_us)
def test_the_worst_window_is_the_worst_of_all_starts(arrivals_us: list[int], per_us: int) -> None:
    brute = max(seen_in(arrivals_us, start_us, per_us) for start_us in range(-20, 62))
    assert worst_window(arrivals_us, per_us) == brute


@given(arrivals, amounts, pers_us)
def test_violations_are_the_arrivals_that_found_the_window_full(
    arrivals_us: list[int], amount: int, per_us: int
) -> None:
    ordered_us = sorted(arrivals_us)
    brute = sum(
        sum(earlier_us > at_us - per_us for earlier_us in ordered_us[:index]) >= amount
        for index, at_us in enumerate(ordered_us)
    )
    assert violations(arrivals_us, amount, per_us) == brute
    assert (brute == 0) == (worst_window(arrivals_us, per_us) <= amount)


@given(arrivals, amounts, pers_us)
def test_what_the_window_admits_keeps_the_contract_and_refuses_nothing_more(
    arrivals_us: list[int], amount: int, per_us: int
) -> None:
    window = SlidingWindow(amount, per_us)
    admitted_us: list[int] = []
    for at_us in sorted(arrivals_us):
        before = sum(earlier_us > at_us - per_us for earlier_us in admitted_us)
        decision = window.arrive(at_us)
        assert decision.admitted == (before < amount)
        if decision.admitted:
            admitted_us.append(at_us)
            assert decision.remaining == amount - before - 1
    assert worst_window(admitted_us, per_us) <= amount
    assert (window.admitted_count, window.refused_count) == (len(admitted_us), len(arrivals_us) - len(admitted_us))


@given(arrivals, amounts, pers_us)
def test_a_refused_call_is_admitted_exactly_when_it_was_told_to_come_back(
    arrivals_us: list[int], amount: int, per_us: int
) -> None:
    window = SlidingWindow(amount, per_us)
    for at_us in sorted(arrivals_us):
        decision = window.arrive(at_us)
        if not decision.admitted:
            assert decision.retry_after_us > 0
            assert not window.arrive(at_us + decision.retry_after_us - 1).admitted
            assert window.arrive(at_us + decision.retry_after_us).admitted
            return


def test_the_window_is_half_open() -> None:
    assert worst_window([0, 1_000_000], 1_000_000) == 1
    assert worst_window([0, 999_999], 1_000_000) == 2


@pytest.mark.parametrize("calls", [10, 11, 100])
def test_even_spacing_at_the_contract_is_full_utilisation(calls: int) -> None:
    assert utilisation([n * 50_000 for n in range(calls)], 20, 1_000_000) == pytest.approx(1.0)


def test_both_ends_are_left_out_of_the_utilisation() -> None:
    steady_us = [1_000_000_000 + n * 100_000 for n in range(8)]
    assert utilisation([0, *steady_us, 9_000_000_000], 20, 1_000_000) == pytest.approx(0.5)


def test_utilisation_is_unknown_when_there_is_too_little_to_measure() -> None:
    assert utilisation(list(range(9)), 20, 1_000_000) is None
    assert utilisation([5] * 20, 20, 1_000_000) is None


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="amount >= 1"):
        SlidingWindow(0, 1)
