"""Claim checks: what is laid down is what is redeemed, and a pointer leads nowhere else."""

import json
from typing import Any

import pytest
from headway_lane.messages.claim import CARRIED_BYTES, FIELD, Claim
from headway_lane.runtime.errors import Malformed
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import CLAIMS_BUCKET, FakeS3, client_error

LARGE = {"text": "ü" * CARRIED_BYTES}
FOLDER = "requests/acme"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@given(json_values)
def test_what_is_laid_down_is_redeemed_and_what_is_small_stays_as_it_is(value: Any) -> None:
    claims = FakeS3().claims()
    assert claims.slim(value, FOLDER) == value
    assert claims.redeem(value, FOLDER) == value
    assert claims.redeem(claims.keep(json.dumps(value).encode(), FOLDER), FOLDER) == value


def test_a_large_value_becomes_a_small_pointer(s3: FakeS3) -> None:
    pointer = s3.claims().slim(LARGE, FOLDER)
    assert len(json.dumps(pointer)) < 300
    assert s3.claims().redeem(pointer, FOLDER) == LARGE


def test_laying_the_same_down_twice_changes_nothing(s3: FakeS3) -> None:
    pointers = [s3.claims().slim(LARGE, FOLDER) for _ in range(2)]
    assert pointers[0] == pointers[1]
    assert len(s3.objects) == 1


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ({"bucket": "other"}, "does not point into s3://claims/requests/acme/"),
        ({"key": "requests/globex/a.json"}, "does not point into s3://claims/requests/acme/"),
        ({"key": "requests/acme"}, "does not point into s3://claims/requests/acme/"),
        ({"key": "requests/acme/absent.json"}, "nothing lies at s3://claims/requests/acme/absent.json"),
        ({"size_bytes": None, "more": 1}, "needs exactly `bucket`, `key` and `size_bytes`"),
        ({"key": 7}, "`bucket` and `key` are texts"),
    ],
)
def test_a_pointer_that_leads_elsewhere_or_to_nothing_is_malformed(
    s3: FakeS3, place: dict[str, Any], reason: str
) -> None:
    pointer = {FIELD: {"bucket": CLAIMS_BUCKET, "key": f"{FOLDER}/a.json", "size_bytes": 2} | place}
    s3.objects["claims/requests/globex/a.json"] = b"{}"
    with pytest.raises(Malformed, match=reason):
        s3.claims().redeem(pointer, FOLDER)


@pytest.mark.parametrize("value", [{}, {FIELD: {}, "more": 1}, {"text": FIELD}, [FIELD], FIELD, None])
def test_what_only_looks_like_a_pointer_is_a_value(s3: FakeS3, value: Any) -> None:
    assert Claim.read(value) is None
    assert s3.claims().redeem(value, FOLDER) == value


def test_what_lies_there_and_is_no_json_is_malformed(s3: FakeS3) -> None:
    pointer = s3.claims().keep(b"<html>", FOLDER)
    with pytest.raises(Malformed, match="is not JSON"):
        s3.claims().redeem(pointer, FOLDER)


def test_trouble_with_the_bucket_is_not_taken_for_a_missing_object(s3: FakeS3) -> None:
    pointer = s3.claims().keep(b"{}", FOLDER)
    s3.errors.append(client_error("GetObject", "SlowDown"))
    with pytest.raises(Exception, match="SlowDown"):
        s3.claims().redeem(pointer, FOLDER)
