"""Times as vendors write them: two hundred spellings of each kind mean what they say, and nothing else is a time."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import hypothesis.strategies as st
import pytest
from headway_lane.limiter.core.spans import MILLISECOND_S, number, span_s
from hypothesis import given, settings

NOW_S = 1_800_000_000
SPELLINGS = settings(max_examples=200)
SPANS_MS = st.integers(1, 10 * 86_400_000)


@SPELLINGS
@given(ms=SPANS_MS, digits=st.integers(0, 25), quoted=st.booleans())
def test_seconds_may_have_as_many_decimals_as_a_vendor_likes(ms: int, digits: int, quoted: bool) -> None:
    text = f"{ms // 1000}.{ms % 1000:03}{'0' * digits}"
    assert span_s(f'"{text}"' if quoted else f" {text} ", NOW_S) == pytest.approx(ms / 1000)
    assert span_s(str(ms), NOW_S, MILLISECOND_S) == pytest.approx(ms / 1000)


@SPELLINGS
@given(ms=SPANS_MS, gap=st.sampled_from(("", " ")), words=st.booleans(), skips=st.booleans())
def test_a_duration_is_the_sum_of_its_parts(ms: int, gap: str, words: bool, skips: bool) -> None:
    minutes, rest_ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    units = ("hours", "minutes", "seconds") if words else ("h", "m", "s")
    parts = zip((str(hours), str(minutes), f"{rest_ms / 1000}"), units, strict=True)
    text = gap.join(f"{amount}{gap}{unit}" for amount, unit in parts if not skips or amount != "0")
    assert span_s(text, NOW_S) == pytest.approx(ms / 1000)
    iso = f"PT{hours}H{minutes}M{rest_ms / 1000}S"
    assert span_s(iso, NOW_S) == span_s(iso.lower().replace(".", ","), NOW_S) == pytest.approx(ms / 1000)
    clock = f"{hours}:{minutes:02}:{rest_ms // 1000:02}"
    assert span_s(clock, NOW_S) == ms // 1000


@SPELLINGS
@given(ms=SPANS_MS, zone_min=st.integers(-14 * 60, 14 * 60), parts=st.sampled_from((1, 10**3, 10**6, 10**9)))
def test_a_point_in_time_is_as_far_away_as_it_is_in_whatever_zone_and_parts_of_a_second(
    ms: int, zone_min: int, parts: int
) -> None:
    at = datetime.fromtimestamp(NOW_S, UTC) + timedelta(milliseconds=ms)
    local = at.astimezone(timezone(timedelta(minutes=zone_min)))
    assert span_s(local.isoformat(), NOW_S) == pytest.approx(ms / 1000, abs=1e-3)
    assert span_s(format_datetime(local), NOW_S) == ms // 1000
    assert span_s(at.strftime("%Y-%m-%d %H:%M:%SZ"), NOW_S) == ms // 1000
    assert span_s(str(NOW_S * parts + ms * parts // 1000), NOW_S) == pytest.approx(
        ms / 1000, abs=max(1.001 / parts, 1e-6)
    )


@SPELLINGS
@given(back_ms=SPANS_MS)
def test_what_is_over_is_no_time_from_now(back_ms: int) -> None:
    before = datetime.fromtimestamp(NOW_S - back_ms / 1000, UTC)
    assert span_s(before.isoformat(), NOW_S) == span_s(str(NOW_S - back_ms // 1000), NOW_S) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-1",
        "+3",
        "1e3",
        "nan",
        "inf",
        "٣",
        "3, 4",
        "5 5",
        "6m0",
        "m",
        "P",
        "PT",
        "P1M",
        "1:2:3",
        "3 apples",
        "9" * 400,
        "1h" * 40,
        "2026-13-01T00:00:00Z",
        "Wed, 99 Foo 2026 07:28:00 GMT",
        "0x10",
        "1_000",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert span_s(text, NOW_S) is None


@given(st.text())
def test_whatever_is_written_is_a_time_of_zero_or_more_or_none(text: str) -> None:
    for read in (span_s(text, NOW_S), number(text)):
        assert read is None or 0 <= read < float("inf")
