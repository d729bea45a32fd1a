"""What a vendor's answer says about its limits, in every form that is in use; what cannot be read says nothing."""

import string
from email.utils import formatdate

import hypothesis.strategies as st
import pytest
from headway_lane.limiter.core.signals import COOL_DOWN_S, LONGEST_COOL_DOWN_S, CoolDown, Reason, cool_down_of
from hypothesis import example, given

NOW_S = 1_800_000_000
DATE = formatdate(NOW_S - 100, usegmt=True)
"""The vendor's clock is a hundred seconds behind ours."""
HEADER, AFTER, PLAIN = Reason.RATE_LIMIT_HEADER, Reason.RETRY_AFTER, CoolDown(COOL_DOWN_S, Reason.HTTP_429)


@pytest.mark.parametrize(
    ("status", "headers", "cool_down"),
    [
        (429, {}, PLAIN),
        (429, {"Retry-After": "3"}, CoolDown(3, AFTER)),
        (429, {"retry-after": " 3 "}, CoolDown(3, AFTER)),
        (429, {"Retry-After": "1.5"}, CoolDown(1.5, AFTER)),
        (503, {"Retry-After": "3"}, CoolDown(3, AFTER)),
        (503, {}, None),
        (202, {"Retry-After": "3"}, None),
        (429, {"Retry-After": formatdate(NOW_S + 7, usegmt=True)}, CoolDown(7, AFTER)),
        (429, {"Retry-After": formatdate(NOW_S - 93, usegmt=True), "Date": DATE}, CoolDown(7, AFTER)),
        (429, {"Retry-After": formatdate(NOW_S - 93), "Date": DATE}, CoolDown(7, AFTER)),
        (
            429,
            {
                "Retry-After": formatdate(NOW_S - 93, usegmt=True),
                "Date": formatdate(NOW_S, usegmt=True),
                "x-amzn-Remapped-Date": DATE,
            },
            CoolDown(7, AFTER),
        ),
        (429, {"Retry-After": formatdate(NOW_S - 1, usegmt=True)}, PLAIN),
        (429, {"Retry-After": "0"}, PLAIN),
        (429, {"Retry-After": "86400"}, CoolDown(LONGEST_COOL_DOWN_S, AFTER)),
        *((429, {"Retry-After": text}, PLAIN) for text in ("", "soon", "-1", "+3", "1e3", "٣", "3, 4", "9" * 400)),
        (429, {"Retry-After": "Wed, 99 Foo 2026 07:28:00 GMT"}, PLAIN),
        (200, {"RateLimit": '"default";r=0;t=5'}, CoolDown(5, HEADER)),
        (200, {"RateLimit": '"default";r=1;t=5'}, None),
        (200, {"RateLimit": '"default";r=0'}, None),
        (429, {"RateLimit": '"default";t=5'}, CoolDown(5, HEADER)),
        (429, {"RateLimit": '"default";r=7;t=5'}, PLAIN),
        (200, {"RateLimit": '"burst";r=0;t=2, "day";r=400;t=40000'}, CoolDown(2, HEADER)),
        (200, {"RateLimit": '"burst";r=0;t=2, "day";r=0;t=40'}, CoolDown(40, HEADER)),
        (200, {"RateLimit": '"a,b;r=0;t=9";r=3;t=5'}, None),
        (200, {"RateLimit": "limit=100, remaining=0, reset=5"}, CoolDown(5, HEADER)),
        (200, {"RateLimit": "limit=100, remaining=1, reset=5"}, None),
        (200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "5"}, CoolDown(5, HEADER)),
        (200, {"RateLimit-Remaining": "1", "RateLimit-Reset": "5"}, None),
        (404, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"}, CoolDown(5, HEADER)),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW_S + 5)}, CoolDown(5, HEADER)),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW_S - 95), "Date": DATE}, CoolDown(5, HEADER)),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW_S * 1_000 + 2_500)}, CoolDown(2.5, HEADER)),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW_S - 5)}, None),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"}, CoolDown(LONGEST_COOL_DOWN_S, HEADER)),
        (200, {"X-RateLimit-Remaining": "0"}, None),
        (200, {"X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "5"}, None),
        (200, {"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "5"}, None),
        (200, {"X-RateLimit-Reset": "5"}, None),
        (429, {"X-RateLimit-Reset": "5"}, CoolDown(5, HEADER)),
        (429, {"Retry-After": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}, CoolDown(2, AFTER)),
        (
            200,
            {"Date": "yesterday", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW_S + 5)},
            CoolDown(5, HEADER),
        ),
    ],
)
def test_an_answer_cools_down_for_as_long_as_it_says(
    status: int, headers: dict[str, str], cool_down: CoolDown | None
) -> None:
    found = cool_down_of(status, headers, NOW_S)
    assert found == (cool_down and CoolDown(pytest.approx(cool_down.duration_s), cool_down.reason))  # type: ignore[arg-type]


def test_only_a_bare_429_leaves_open_for_how_long_the_vendor_asks() -> None:
    assert PLAIN.asked_s is None
    assert [CoolDown(3, reason).asked_s for reason in Reason if reason is not Reason.HTTP_429] == [3, 3, 3]


NAMES = st.sampled_from(
    (
        *("Retry-After", "Date", "x-amzn-Remapped-Date", "RateLimit", "RateLimit-Remaining", "RateLimit-Reset"),
        *("X-RateLimit-Remaining", "X-RateLimit-Reset"),
    )
)
NUMBERS = st.one_of(st.integers().map(str), st.floats().map(str), st.just("0"))
DATES = st.integers(-(10**11), 10**11).map(lambda at_s: formatdate(at_s) if 0 <= at_s < 10**10 else str(at_s))
FIELDS = st.lists(
    st.tuples(st.sampled_from(("r", "t", "remaining", "reset", "q")), NUMBERS, st.sampled_from((";", ",", '"'))),
).map(lambda parts: "".join(f"{name}={value}{mark}" for name, value, mark in parts))
VALUES = st.one_of(st.text(), st.text(string.printable), NUMBERS, DATES, FIELDS)


@given(status=st.integers(100, 599), headers=st.dictionaries(NAMES, VALUES), epoch_s=st.floats(0, 10**11))
@example(429, {"Retry-After": "Mon, 01 Jan 0001 00:00:00 +2359"}, NOW_S)
@example(429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"}, NOW_S)
def test_whatever_a_vendor_writes_never_fails_a_call_and_never_cools_down_beyond_reason(
    status: int, headers: dict[str, str], epoch_s: float
) -> None:
    cool_down = cool_down_of(status, headers, epoch_s)
    assert cool_down is None or 0 < cool_down.duration_s <= LONGEST_COOL_DOWN_S
    assert cool_down is not None or status != 429
