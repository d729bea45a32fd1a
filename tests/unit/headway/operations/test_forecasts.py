"""How long what waits takes, said to an operator."""

import pytest

from headway.operations.forecasts import Backlog, PauseForecast, duration


@pytest.mark.parametrize(
    ("backlog", "words"),
    [
        (Backlog(12_000, 12, 2_000), "12,000 wait: 16 min 40 s at 12/s"),
        (
            Backlog(12_000, 5, 930),
            "12,000 wait: 40 min at 5/s; 7,350 of them at least reach their deadline of 15 min 30 s",
        ),
        (Backlog(0, 5, 930), "nothing waits"),
    ],
)
def test_a_backlog_says_how_long_it_takes_and_what_it_loses(backlog: Backlog, words: str) -> None:
    assert str(backlog) == words


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        (PauseForecast(300, 930), "300 wait, and reach their deadlines within 15 min 30 s"),
        (
            PauseForecast(300, 930, 30.5),
            "300 wait, and reach their deadlines within 15 min 30 s, the first of them in 15 min",
        ),
        (PauseForecast(0, 930), "nothing waits; a call that comes now reaches its deadline in 15 min 30 s"),
    ],
)
def test_a_pause_says_what_reaches_its_deadline(forecast: PauseForecast, words: str) -> None:
    assert str(forecast) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59, "59 s"), (60, "1 min"), (3_599.5, "1 h"), (7_500, "2 h 5 min")]
)
def test_a_duration_is_said_in_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words
