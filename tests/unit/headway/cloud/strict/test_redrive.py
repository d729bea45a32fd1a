"""Which executions may be redriven, and whose answer is given again."""

from datetime import UTC, datetime, timedelta

import pytest

from headway.cloud.strict.redrive import answered_before, reason_against

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def ended(status: str, ago: timedelta = timedelta(hours=1)) -> dict[str, str]:
    return {"status": status, "stopDate": (NOW - ago).isoformat().replace("+00:00", "Z")}


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_what_was_unsuccessful_may_be_for_14_days(status: str) -> None:
    assert reason_against(ended(status, timedelta(days=14)), False, NOW) is None
    assert reason_against(ended(status, timedelta(days=14, seconds=1)), False, NOW) is not None


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED"])
def test_what_runs_or_succeeded_may_not(status: str) -> None:
    assert reason_against(ended(status), False, NOW) == f"Execution is {status} and cannot be redriven"


def test_express_executions_may_not() -> None:
    assert reason_against(ended("FAILED"), True, NOW) is not None


def test_a_client_token_counts_for_a_quarter_of_an_hour() -> None:
    tokens = [("one", 0.0, "first"), ("two", 100.0, "second")]
    assert answered_before(tokens, "one", 900) == "first"
    assert answered_before(tokens, "one", 901) is None
    assert answered_before(tokens, "two", 901) == "second"
    assert answered_before(tokens, "three", 0) is None
