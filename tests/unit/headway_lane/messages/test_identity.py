"""Which call and which attempt: two places are two calls, the same place is the same, whoever wrote its message."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from headway_lane.messages.identity import (
    DIGITS,
    GROUP_LENGTH,
    CallSite,
    asked_by_call_vendor,
    attempt_of,
    call_id_of,
    group_of,
    idempotency_key_of,
)
from headway_lane.messages.request import CallRequest
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import Malformed
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import TENANT, place_of, request_body

CLOSE = st.text(alphabet='a:/",[]\\- é', max_size=4)
"""Texts that run into one another where they are only strung together."""
NAMES = st.text(alphabet="a:/-", min_size=1, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)
PAYLOADS = st.dictionaries(st.text(max_size=2), JSON, max_size=3)
PLACES = st.builds(CallSite, NAMES, NAMES, NAMES, CLOSE)
Asked = tuple[CallSite, str, dict[str, Any]]
ASKED = st.tuples(PLACES, CLOSE, PAYLOADS)


def told_apart_by(asked: Asked) -> Any:
    """Return what a call is told apart by; the payload only in a Map."""
    place, tenant, payload = asked
    return place, tenant, json.dumps(payload, sort_keys=True) if place.item else None


@given(one=ASKED, other=ASKED)
def test_two_calls_share_an_id_where_all_that_tells_them_apart_is_equal_and_nowhere_else(
    one: Asked, other: Asked
) -> None:
    assert (call_id_of(*one) == call_id_of(*other)) is (told_apart_by(one) == told_apart_by(other))


@given(asked=ASKED, other=CLOSE, field=st.sampled_from(["machine", "execution", "state", "item", "tenant"]))
def test_any_part_alone_makes_another_call(asked: Asked, other: str, field: str) -> None:
    place, tenant, payload = asked
    if field == "tenant":
        changed, differs = call_id_of(place, other, payload), other != tenant
    else:
        differs = other != getattr(place, field)
        changed = call_id_of(replace(place, **{field: other}), tenant, payload)
    assert (changed != call_id_of(*asked)) is differs


@given(parts=st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=4, max_size=4))
def test_what_moves_from_one_part_into_the_next_makes_another_call(parts: list[str]) -> None:
    machine, tenant, execution, state = parts
    shifted = call_id_of(CallSite(machine + tenant[:1], execution, state), tenant[1:])
    assert shifted != call_id_of(CallSite(machine, execution, state), tenant)


def test_outside_of_a_map_the_payload_does_not_count() -> None:
    assert call_id_of(place_of(), TENANT, {"a": 1}) == call_id_of(place_of(), TENANT, {"a": 2})


def test_in_a_map_items_of_one_number_are_told_apart_by_their_payload() -> None:
    place = replace(place_of(), item="0")
    assert call_id_of(place, TENANT, {"a": 1}) != call_id_of(place, TENANT, {"a": 2})


@pytest.mark.parametrize(
    ("written", "again"),
    [
        ('{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"d": 3, "c": 2}, "a": 1}'),
        ('{"a": 1.0, "b": [2.0]}', '{"a": 1, "b": [2]}'),
        ('{"a": 1E2}', '{"a": 100}'),
        ('{"a": "\\u00fc"}', '{"a": "ü"}'),
    ],
    ids=["order of fields", "whole numbers", "exponents", "escapes"],
)
def test_a_payload_that_was_written_anew_on_its_way_is_the_same_call(written: str, again: str) -> None:
    place = replace(place_of(), item="0")
    assert call_id_of(place, TENANT, json.loads(written)) == call_id_of(place, TENANT, json.loads(again))


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (1, True), (0, False), (1.5, 1), (None, "null"), ([], {})])
def test_values_of_another_kind_are_another_payload(one: Any, other: Any) -> None:
    place = replace(place_of(), item="0")
    assert call_id_of(place, TENANT, {"a": one}) != call_id_of(place, TENANT, {"a": other})


@given(asked=ASKED)
def test_a_message_that_is_requeued_is_the_same_call_and_attempt(asked: Asked) -> None:
    place, tenant, payload = asked
    body = request_body(call=dict(place.as_document()), payload=payload)
    request = CallRequest.from_body(body, "acme", tenant)
    assert (request.place, request.call_id) == (place, call_id_of(place, tenant, payload))
    assert CallRequest.from_body(request.to_body(), "acme", tenant) == request


@given(asked=ASKED)
def test_an_id_is_a_fit_key_for_every_vendor_and_says_nothing_of_its_parts(asked: Asked) -> None:
    assert re.fullmatch(f"[0-9a-f]{{{DIGITS}}}", call_id_of(*asked))


def test_an_id_stays_as_it_is_from_one_version_of_this_code_to_the_next() -> None:
    """The first digits of what `sha256sum` says of `["m", "t", "e", "s", ""]`, and so on."""
    assert call_id_of(CallSite("m", "e", "s"), "t") == "52dfccd8bf08ed4a1449c9c9de5c2f3e"
    assert call_id_of(CallSite("m", "e", "s", "0"), "t", {"b": 1.0, "a": "ü"}) == "2b43b3f076d1c25f1b3355b98fc453fd"
    assert attempt_of(Waiter("token")) == "3c469e9d6c5875d37a43f353d4f88e61"


@given(one=st.text(min_size=1, max_size=9), other=st.text(min_size=1, max_size=9))
def test_an_attempt_is_known_by_its_token_which_nobody_can_read_from_it(one: str, other: str) -> None:
    assert (attempt_of(Waiter(one)) == attempt_of(Waiter(other))) is (one == other)
    assert re.fullmatch(f"[0-9a-f]{{{DIGITS}}}", attempt_of(Waiter(one)))


def test_every_round_has_a_key_of_its_own_and_the_first_is_the_call() -> None:
    keys = [idempotency_key_of("call-1", number) for number in range(3)]
    assert keys == ["call-1", "call-1-1", "call-1-2"]


def test_a_place_comes_back_as_it_was_written_with_an_item_and_without() -> None:
    for place in (place_of(), replace(place_of(), item="7")):
        assert CallSite.of_document(place.as_document()) == place
    assert [place_of().step, replace(place_of(), item="7").step] == ["CallVendor", "CallVendor/7"]


@pytest.mark.parametrize(("item", "read"), [(0, "0"), (7, "7"), ("7", "7"), ("a/b", "a/b"), (None, ""), ("", "")])
def test_an_item_is_a_number_or_whatever_text_the_author_tells_it_by(item: Any, read: str) -> None:
    assert CallSite.of_document({**place_of().as_document(), "item": item}).item == read


@pytest.mark.parametrize("item", [True, 1.5, [], ["a"], {}, {"a": 1}])
def test_an_item_of_another_kind_is_malformed(item: Any) -> None:
    with pytest.raises(Malformed, match=r"`call\.item` must be a string or a whole number"):
        CallSite.of_document({**place_of().as_document(), "item": item})


@pytest.mark.parametrize("document", [None, "x", 7, ["machine"], True])
def test_a_place_that_is_no_object_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed, match="`call` must be an object"):
        CallSite.of_document(document)


@pytest.mark.parametrize("field", ["machine", "execution", "state"])
@pytest.mark.parametrize("value", [None, "", 7, ["x"], {}])
def test_a_place_without_one_of_its_names_is_malformed_and_says_which(field: str, value: Any) -> None:
    with pytest.raises(Malformed, match=f"`call.{field}` must be a non-empty string"):
        CallSite.of_document({**place_of().as_document(), field: value})


def test_call_vendor_is_found_by_the_arn_of_its_execution() -> None:
    assert asked_by_call_vendor(place_of().execution) == place_of()


@given(tenant=st.text(max_size=200))
def test_a_group_is_what_sqs_takes(tenant: str) -> None:
    assert re.fullmatch(f"[!-~]{{1,{GROUP_LENGTH}}}", group_of(tenant, "orders"))
    assert group_of(None, "orders") == "orders"
