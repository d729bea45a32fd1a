"""Which token of a configuration session is refused."""

from typing import Any

import pytest

from headway.cloud.strict.rollouts import MADE, problem_of


def session(**more: Any) -> dict[str, Any]:
    return {"PollIntervalInSeconds": 15, "Required": True, MADE: 1_000.0, **more}


@pytest.mark.parametrize(
    ("asked_s", "problem"), [(1_014.9, "PollIntervalNotSatisfied"), (1_015, None), (1_000 + 86_401, "Expired")]
)
def test_a_token_is_good_from_its_interval_on_for_a_day(asked_s: float, problem: str | None) -> None:
    assert problem_of(session(), asked_s) == problem


def test_the_interval_of_a_session_that_asked_for_none_is_advice() -> None:
    assert problem_of(session(Required=False), 1_000) is None


def test_the_first_token_of_a_session_is_good_at_once() -> None:
    first = session()
    del first[MADE]
    assert problem_of(first, 1_000) is None
