"""How long a retrier waits."""

from headway.cloud.strict.retry_delays import delay_s


def test_delays_grow_without_a_bound_of_their_own() -> None:
    assert [delay_s({"IntervalSeconds": 2}, count) for count in range(8)] == [2, 4, 8, 16, 32, 64, 128, 256]
    assert delay_s({}, 0) == 1


def test_max_delay_seconds_bounds_them() -> None:
    retrier = {"IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 15}
    assert [delay_s(retrier, count) for count in range(4)] == [2, 6, 15, 15]


def test_full_jitter_takes_any_part_of_a_delay() -> None:
    retrier = {"IntervalSeconds": 10, "MaxDelaySeconds": 20, "JitterStrategy": "FULL"}
    drawn = [delay_s(retrier, 3) for _ in range(2_000)]
    assert 0 <= min(drawn) < 1
    assert 19 < max(drawn) <= 20
    assert 9 < sum(drawn) / len(drawn) < 11
    assert delay_s(retrier | {"JitterStrategy": "NONE"}, 3) == 20
