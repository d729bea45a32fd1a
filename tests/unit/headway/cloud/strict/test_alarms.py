"""The states of alarms, by the tables of CloudWatch's user guide ("Configuring how alarms treat missing data")."""

from typing import Any

import pytest

from headway.cloud.strict._minutes import StatisticSet
from headway.cloud.strict.alarms import breaches_of, verdict

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
ALARM, OK, KEPT, UNKNOWN = "ALARM", "OK", "as before", "INSUFFICIENT_DATA"


def states(datapoints: str, n: int, m: int) -> tuple[str, ...]:
    """Return the state by each treatment; datapoints oldest first, as in the guide: X breaches, - is missing."""
    newest_first = [{"X": True, "0": False, "-": None}[each] for each in reversed(datapoints.split())]
    return tuple(verdict(newest_first, n, m, treatment, KEPT) for treatment in TREATMENTS)


@pytest.mark.parametrize(
    ("datapoints", "wanted"),
    [
        ("0 - X - X", (OK, OK, OK, OK)),
        ("- - - - 0", (OK, OK, OK, OK)),
        ("- - - - -", (UNKNOWN, KEPT, ALARM, OK)),
        ("0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("- - X - -", (ALARM, KEPT, ALARM, OK)),
    ],
)
def test_three_of_three_datapoints(datapoints: str, wanted: tuple[str, ...]) -> None:
    assert states(datapoints, 3, 3) == wanted


@pytest.mark.parametrize(
    ("datapoints", "wanted"),
    [
        ("0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 - X - -", (OK, OK, ALARM, OK)),
        ("- - - - 0", (OK, OK, ALARM, OK)),
        ("- - - X -", (ALARM, KEPT, ALARM, OK)),
    ],
)
def test_two_of_three_datapoints(datapoints: str, wanted: tuple[str, ...]) -> None:
    assert states(datapoints, 3, 2) == wanted


def alarm(**more: Any) -> dict[str, Any]:
    return {
        "Period": 60,
        "EvaluationPeriods": 2,
        "Statistic": "Maximum",
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }


def point(timestamp_s: float, value: float) -> dict[str, float]:
    return {"Timestamp": timestamp_s, "Value": value}


def test_every_period_is_held_against_the_threshold_by_itself() -> None:
    points = [point(540, 6), point(480, 1), point(481, 7), point(420, 5)]
    assert breaches_of(alarm(), points, 600) == [True, True, False, None]


def test_points_of_the_future_and_of_long_ago_do_not_count() -> None:
    assert breaches_of(alarm(), [point(601, 9), point(100, 9)], 600) == [None] * 4


def test_the_statistic_is_the_alarms() -> None:
    points = [point(550, 3), point(560, 4)]
    assert breaches_of(alarm(Statistic="Sum"), points, 600)[0] is True
    assert breaches_of(alarm(Statistic="Average"), points, 600)[0] is False


def test_a_minute_is_one_statistic_set() -> None:
    tally = StatisticSet()
    for value in (2, 5, 3):
        tally.add(value)
    assert tally.statistics() == {"SampleCount": 3, "Sum": 10, "Minimum": 2, "Maximum": 5}
