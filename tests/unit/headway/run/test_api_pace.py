from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.run.api_pace import ApiPace, ApiQuota, RunQuotas


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def pace(quota: ApiQuota, clock: Clock) -> ApiPace:
    return ApiPace(quota, clock, clock.sleep)


@pytest.mark.parametrize(
    ("region", "starts", "describes"),
    [
        ("us-east-1", ApiQuota(1_300, 300), ApiQuota(300, 15)),
        ("eu-central-1", ApiQuota(800, 150), ApiQuota(250, 10)),
    ],
)
def test_the_quotas_are_the_defaults_of_aws_in_the_region(region: str, starts: ApiQuota, describes: ApiQuota) -> None:
    assert RunQuotas.of(region) == RunQuotas(starts, describes)


def test_an_account_may_have_other_quotas() -> None:
    assert RunQuotas.of("eu-central-1", starts_per_s=500, describes_per_s=100) == RunQuotas(
        ApiQuota(800, 500), ApiQuota(250, 100)
    )


def ask_at_once(paced: ApiPace, count: int) -> None:
    for _ in range(count):
        paced.wait()


def ask_in_batches(paced: ApiPace, count: int) -> None:
    while count:
        now_count = min(count, paced.left_count())
        paced.took(now_count)
        count -= now_count
        if count:
            paced.wait()
            count -= 1


@pytest.mark.parametrize("ask", [ask_at_once, ask_in_batches])
def test_four_fifths_of_what_refills_and_half_of_the_bucket_are_used(ask: Callable[[ApiPace, int], None]) -> None:
    clock = Clock()
    ask(pace(ApiQuota(bucket_count=100, refill_per_s=10), clock), 50 + 80)
    assert clock.now_s == pytest.approx(10)


@settings(deadline=None)
@given(
    bucket=st.integers(1, 1_000),
    refill=st.floats(0.5, 500),
    steps=st.lists(st.tuples(st.integers(0, 400), st.floats(0, 30)), max_size=40),
)
def test_the_bucket_of_aws_is_never_empty(bucket: int, refill: float, steps: list[tuple[int, float]]) -> None:
    clock, left, since_s = Clock(), float(bucket), 0.0
    paced = pace(ApiQuota(bucket, refill), clock)
    for wanted, pause_s in steps:
        for _ in range(wanted):
            paced.wait()
            left, since_s = min(bucket, left + (clock.now_s - since_s) * refill) - 1, clock.now_s
            assert left >= -1e-6
        clock.sleep(pause_s)
