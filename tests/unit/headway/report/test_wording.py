import pytest

from headway.report import wording


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, wording.MISSING),
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1.00 s"),
        (9_994, "9.99 s"),
        (9_996, "10.0 s"),
        (59_940, "59.9 s"),
        (59_960, "1 min"),
        (125_000, "2 min 5 s"),
        (3_599_900, "1 h"),
        (12_000_000, "3 h 20 min"),
    ],
)
def test_durations_keep_two_or_three_significant_digits(ms: int | None, said: str) -> None:
    assert wording.duration(ms) == said


@pytest.mark.parametrize(
    ("value", "said"), [(9.1, "9.1"), (10.0, "10"), (9.96, "10"), (99.96, "100"), (1234.5, "1,234")]
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert wording.number(value) == said


@pytest.mark.parametrize(("per_s", "unit"), [(1.0, (1, "s")), (0.5, (60, "min")), (0.01, (3600, "h"))])
def test_slow_contracts_are_said_per_minute_or_hour(per_s: float, unit: tuple[int, str]) -> None:
    assert wording.rate_unit(per_s) == unit


def test_runs_of_lines_are_joined() -> None:
    assert wording.lines((3, 7, 8, 9, 12)) == "3, 7-9, 12"
    assert wording.lines((1, 3, 5, 6), most=2) == "1, 3 and 2 more"
    assert wording.lines(()) == ""


def test_a_cause_loses_what_looks_like_a_task_token() -> None:
    assert wording.cause(f"bad token {'AQCAAAAA' * 40}=, sorry") == "bad token [long value removed], sorry"
    assert wording.cause(None) == wording.MISSING
    assert len(wording.cause("no " * 500)) == 300


def test_instants_are_in_utc() -> None:
    assert wording.instant(1_767_225_600_000) == "2026-01-01 00:00:00 UTC"
