"""Who waits is named by one field of a message, which says of which kind; from there on it is one opaque handle."""

import json
from typing import Any

import pytest
from headway_lane.ledger.store import Ledger
from headway_lane.messages.body import waiter_of
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.identity import attempt_of
from headway_lane.messages.request import CallRequest
from headway_lane.messages.results_queue import read, write
from headway_lane.messages.waiter import Waiter, WaiterKind, field_of, handle_of, kind_of, waiter_in, waiter_of_kind
from headway_lane.runtime.errors import Malformed
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.calls import queued
from tests.unit.headway_lane.fakes import TENANT, TOKEN, request_body

CALLBACK_ID = "Y2FsbGJhY2s="
BASE64 = st.text("ABCxyz0189+/", min_size=1, max_size=40).map(lambda text: f"{text}==")


def durable_request() -> CallRequest:
    body = request_body(task_token=None, callback_id=CALLBACK_ID)
    return CallRequest.from_body(body, "acme", TENANT)


@given(kind=st.sampled_from(WaiterKind), handle=BASE64)
def test_a_waiter_keeps_its_kind_and_its_handle_on_every_way(kind: WaiterKind, handle: str) -> None:
    waiter = waiter_in({kind: handle, "vendor": "acme"})
    assert (kind_of(waiter), handle_of(waiter), field_of(waiter)) == (kind, handle, {kind: handle})
    assert waiter_in(field_of(waiter)) == waiter == waiter_of_kind(kind, handle)


def test_the_same_handle_of_two_kinds_is_two_waiters_and_two_attempts() -> None:
    waiters = {waiter_of_kind(kind, CALLBACK_ID) for kind in WaiterKind}
    assert len({attempt_of(waiter) for waiter in waiters}) == 2


def test_a_task_token_is_its_own_handle_so_that_records_that_are_there_stay_right() -> None:
    assert waiter_in({"task_token": TOKEN}) == TOKEN


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "`task_token` or `callback_id` must be a non-empty string"),
        ({"task_token": None, "callback_id": None}, "`task_token` or `callback_id` must be a non-empty string"),
        ({"callback_id": ""}, "`callback_id` must be a non-empty string"),
        ({"callback_id": 7}, "`callback_id` must be a non-empty string"),
        ({"task_token": TOKEN, "callback_id": CALLBACK_ID}, "one message has one waiter"),
    ],
)
def test_a_message_names_exactly_one_waiter(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        waiter_in(fields)
    assert waiter_of(json.dumps(fields)) is None


def test_the_waiter_of_a_malformed_message_is_found_whatever_its_kind() -> None:
    waiter = waiter_of_kind(WaiterKind.CALLBACK_ID, CALLBACK_ID)
    assert waiter_of(json.dumps({"callback_id": CALLBACK_ID})) == waiter


def test_a_request_and_a_fetch_of_a_durable_function_are_written_as_they_were_read() -> None:
    request = durable_request()
    written = json.loads(request.to_body())
    assert (written["callback_id"], "task_token" in written) == (CALLBACK_ID, False)
    assert CallRequest.from_body(request.to_body(), "acme", TENANT) == request
    fetch = Fetch("call-1", "job-1", "succeeded", request.waiter)
    assert json.loads(write(fetch))["callback_id"] == CALLBACK_ID
    assert read(write(fetch.again())) == fetch.again()


def test_the_ledger_gives_the_waiter_back_and_does_not_know_its_kind(ledger: Ledger) -> None:
    request = durable_request()
    call = queued(ledger, request)
    assert call.waiter == request.waiter == Waiter(f"callback_id:{CALLBACK_ID}")
    assert ledger.waiter_of(call.call_id) == request.waiter
