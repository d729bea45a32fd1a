"""How much of an account can be reserved."""

import pytest

from headway.cloud.strict.concurrency import problem


@pytest.mark.parametrize(("wanted", "by_others", "account"), [(900, 0, 1000), (1, 899, 1000), (0, 0, 10), (1, 0, 101)])
def test_a_reservation_that_leaves_a_hundred_is_taken(wanted: int, by_others: int, account: int) -> None:
    assert problem(wanted, by_others, account) is None


@pytest.mark.parametrize(
    ("wanted", "by_others", "account", "least"), [(901, 0, 1000, 100), (1, 900, 1000, 100), (1, 0, 10, 10)]
)
def test_one_that_leaves_less_is_not(wanted: int, by_others: int, account: int, least: int) -> None:
    reason = problem(wanted, by_others, account)

    assert reason is not None
    assert f"minimum value of [{least}]" in reason
