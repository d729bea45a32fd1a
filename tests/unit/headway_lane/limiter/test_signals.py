"""What a vendor's answer says about its limits, in every form that is in use; what cannot be read says nothing."""

import string
from email.utils import formatdate

import hypothesis.strategies as st
import pytest
from headway_lane.contract.limit_headers import LimitHeaders
from headway_lane.contract.limits import LEAST_WINDOW_S
from headway_lane.limiter.core.signals import (
    COOL_DOWN_S,
    LONGEST_COOL_DOWN_S,
    UNSAID,
    Announced,
    CoolDown,
    Reason,
    signals_of,
)
from hypothesis import example, given

NOW_S = 1_800_000_000
DATE = formatdate(NOW_S - 100, usegmt=True)
"""The vendor's clock is a hundred seconds behind ours."""
HEADER, AFTER, PLAIN = Reason.RATE_LIMIT_HEADER, Reason.RETRY_AFTER, CoolDown(COOL_DOWN_S, Reason.HTTP_429)
UNREAD = CoolDown(COOL_DOWN_S, Reason.UNREAD)


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
        (429, {"Retry-After": ""}, PLAIN),
        *((429, {"Retry-After": text}, UNREAD) for text in ("soon", "-1", "+3", "1e3", "٣", "3, 4", "9" * 400)),
        (429, {"Retry-After": "Wed, 99 Foo 2026 07:28:00 GMT"}, UNREAD),
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
    found = signals_of(status, headers, NOW_S).cool_down
    assert found == (cool_down and CoolDown(pytest.approx(cool_down.duration_s), cool_down.reason))  # type: ignore[arg-type]


def test_only_a_refusal_without_a_time_leaves_open_for_how_long_the_vendor_asks() -> None:
    assert PLAIN.asked_s is UNREAD.asked_s is None
    assert [CoolDown(3, reason).asked_s for reason in Reason if reason not in UNSAID] == [3, 3, 3]


SPENT = {"Remaining": "0", "Reset": "6m0s"}


@pytest.mark.parametrize("prefix", ["x-", "", "anthropic-", "X-Acme-"])
@pytest.mark.parametrize("family", ["ratelimit", "rate-limit", "RateLimit", "Rate-Limits"])
@pytest.mark.parametrize("form", ["{family}-{role}", "{family}-{role}-requests", "{family}-requests-{role}"])
def test_a_limit_is_known_by_the_words_of_its_headers(prefix: str, family: str, form: str) -> None:
    headers = {prefix + form.format(family=family, role=role): value for role, value in SPENT.items()}
    assert signals_of(200, headers, NOW_S).cool_down == CoolDown(360, HEADER)
    others = {name.lower().replace("remaining", "used"): value for name, value in headers.items()}
    assert signals_of(200, others, NOW_S).cool_down is None


@pytest.mark.parametrize(
    ("headers", "asked_s"),
    [
        ({"retry-after-ms": "7500"}, 7.5),
        ({"x-ms-retry-after-ms": "7500", "Retry-After": "8"}, 8),
        ({"X-RateLimit-Retry-After": "PT1M"}, 60),
        ({"Retry-After": "2026-09-10T00:28:40Z", "Date": "Thu, 10 Sep 2026 00:26:40 GMT"}, 120),
        (
            {
                "X-RateLimit-Remaining-Requests": "9",
                "X-RateLimit-Remaining-Tokens": "0",
                "X-RateLimit-Reset-Tokens": "2s",
            },
            2,
        ),
        ({"X-RateLimit-Reset-Ms": "2500"}, 2.5),
        ({"X-RateLimit": '[{"remaining":0,"until_seconds":7},{"remaining":3,"until_seconds":70}]'}, 7),
    ],
)
def test_a_refusal_says_when_to_come_again_in_many_forms(headers: dict[str, str], asked_s: float) -> None:
    cool_down = signals_of(429, headers, NOW_S).cool_down
    assert cool_down
    assert cool_down.asked_s == pytest.approx(asked_s)


@pytest.mark.parametrize("headers", [{"X-RateLimit-Reset": "later"}, {"X-RateLimit": "{"}, {"retry-after-ms": "x"}])
def test_words_that_nobody_can_read_are_told_from_none(headers: dict[str, str]) -> None:
    assert signals_of(429, headers, NOW_S).cool_down == UNREAD
    assert signals_of(429, {}, NOW_S).cool_down == PLAIN


def test_what_a_rule_takes_for_a_throttle_is_one_whatever_its_status() -> None:
    assert signals_of(403, {"Retry-After": "60"}, NOW_S, later=True).cool_down == CoolDown(60, AFTER)
    assert signals_of(403, {"Retry-After": "60"}, NOW_S).cool_down is None
    assert signals_of(400, {}, NOW_S, later=True).cool_down == PLAIN


def test_headers_that_the_contract_names_are_obeyed_in_the_place_of_those_that_look_like_limits() -> None:
    document = {"remaining": "X-Left", "reset": "X-Again", "amount": "X-Most", "per_s": 60, "unit": "ms"}
    named = [LimitHeaders.from_document(document)]
    headers = {"X-Left": "0", "X-Again": "2500", "X-Most": "30", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}
    found = signals_of(200, headers, NOW_S, named=named)
    assert (found.cool_down, found.announced) == (CoolDown(2.5, HEADER), (Announced(30, 60, 0),))
    waits = [LimitHeaders.from_document({"retry_after": "X-Wait"})]
    both = {"X-Wait": "4", "Retry-After": "600"}
    assert signals_of(429, both, NOW_S, named=waits).cool_down == CoolDown(4, AFTER)
    assert signals_of(429, {"Retry-After": "600"}, NOW_S, named=waits).cool_down == CoolDown(600, AFTER)


@pytest.mark.parametrize(
    ("headers", "announced"),
    [
        ({"RateLimit-Policy": '"burst";q=100;w=60'}, [Announced(100, 60)]),
        ({"RateLimit-Policy": '"a,;b";q=100;w=60', "RateLimit": '"a,;b";r=40;t=5'}, [Announced(100, 60, 40)]),
        ({"RateLimit-Policy": '"x";q=9;w=1, "y";q=5;w=2;qu="content-bytes"'}, [Announced(9, 1)]),
        ({"RateLimit-Limit": "10, 10;w=1, 1000;w=3600"}, [Announced(10, 1), Announced(1000, 3600)]),
        ({"X-RateLimit-Limit-Minute": "10", "X-RateLimit-Remaining-Minute": "3"}, [Announced(10, 60, 3)]),
        (
            {"X-HubSpot-RateLimit-Max": "100", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"},
            [Announced(100, 10)],
        ),
        ({"X-RateLimit": '{"period":10,"limit":50,"remaining":7}'}, [Announced(50, 10, 7)]),
        ({"X-RateLimit-Limit": "10"}, []),
        ({"X-RateLimit-Limit-Tokens-Minute": "10"}, []),
        *(
            ({"RateLimit-Policy": f"q;q={amount};w={window}"}, [])
            for amount, window in (("0", "1"), ("1", "0"), ("5", "x"))
        ),
        ({"RateLimit-Policy": "q;q=1;w=99999999999"}, []),
    ],
)
def test_a_limit_of_calls_with_a_window_is_announced(headers: dict[str, str], announced: list[Announced]) -> None:
    assert list(signals_of(200, headers, NOW_S).announced) == announced


NAMES = st.sampled_from(
    (
        *("RateLimit-Policy", "X-RateLimit", "x-ratelimit-reset-requests", "retry-after-ms", "X-RateLimit-Limit-Day"),
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
    signals = signals_of(status, headers, epoch_s)
    cool_down = signals.cool_down
    assert all(each.amount >= 1 and each.per_s >= LEAST_WINDOW_S for each in signals.announced)
    assert cool_down is None or 0 < cool_down.duration_s <= LONGEST_COOL_DOWN_S
    assert cool_down is not None or status != 429
