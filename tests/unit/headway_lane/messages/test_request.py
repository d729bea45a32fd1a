"""Reading a request message: what is wrong is named, and its task can be failed wherever it left a token."""

import json
from typing import Any

import pytest
from headway_lane.messages.body import waiter_of
from headway_lane.messages.request import CallRequest
from headway_lane.runtime.errors import Malformed, NewerFormat

from tests.unit.headway_lane.fakes import CALL_ID, TENANT, TOKEN, place_of, request_body, request_of

PLACE = place_of().as_document()
MISTAKES: dict[str, tuple[str, str]] = {
    "not JSON": ("{", "the request is not JSON"),
    "nested too deeply": ("[" * 100_000, "the request is not JSON"),
    "empty": ("", "the request is not JSON"),
    "a list": ("[]", "the request is not a JSON object"),
    "a number": ("1", "the request is not a JSON object"),
    "no vendor": (request_body(vendor=None), "`vendor` is None, but this queue serves 'acme'"),
    "another vendor": (request_body(vendor="other"), "`vendor` is 'other', but this queue serves 'acme'"),
    "no place": (request_body(call=None), "`call` must be an object with `machine`, `execution` and `state`"),
    "a call ID as place": (request_body(call="call-1"), "`call` must be an object"),
    "no machine": (request_body(call={**PLACE, "machine": None}), "`call.machine` must be a non-empty string"),
    "no payload": (request_body(payload=None), "`payload` must be an object"),
    "a list as payload": (request_body(payload=["x"]), "`payload` must be an object"),
    "text as payload": (request_body(payload="x"), "`payload` must be an object"),
    "no token": (request_body(task_token=None), "`task_token` or `callback_id` must be a non-empty string"),
    "an empty token": (request_body(task_token=""), "`task_token` must be a non-empty string"),
}


def read(body: str, tenant: str = TENANT) -> CallRequest:
    return CallRequest.from_body(body, "acme", tenant)


def test_a_request_is_read_as_the_workflow_writes_it() -> None:
    assert read(request_body()) == request_of()


@pytest.mark.parametrize(
    "claimed",
    [
        {"priority": "high"},
        {"call_id": "the-call-of-another"},
        {"attempt": "the-attempt-of-another"},
        {"idempotency_key": "the-key-of-another", "predecessor": "another"},
        {"tenant": "tenant-2", "round": 3},
    ],
    ids=lambda claimed: " ".join(claimed),
)
def test_fields_that_are_unknown_or_that_a_request_may_not_say_of_itself_are_left_aside(
    claimed: dict[str, Any],
) -> None:
    assert read(request_body(**claimed)) == request_of()


def test_the_call_is_that_of_the_tenant_from_whose_group_the_message_came() -> None:
    assert read(request_body()).call_id == CALL_ID
    assert len({read(request_body(), tenant).call_id for tenant in (TENANT, "tenant-2", "")}) == 3


def test_a_retry_is_another_attempt_at_the_same_call() -> None:
    first, retry = read(request_body()), read(request_body(task_token="token-of-a-retry"))
    assert (first.call_id == retry.call_id, first.attempt == retry.attempt) == (True, False)


@pytest.mark.parametrize("version", [None, 1])
def test_a_request_of_version_1_is_refused_with_what_to_do_and_its_task_can_be_told(version: int | None) -> None:
    fields = {"call_id": "call-1", "idempotency_key": "call-1", "predecessor": ""}
    body = request_body(format_version=version, call=None, **fields)
    with pytest.raises(Malformed) as refused:
        read(body)
    assert str(refused.value) == (
        "the request is written by version 1 of its format, and this code reads from 2:"
        " let the lane run empty before such an upgrade"
    )
    assert waiter_of(body) == TOKEN


def test_a_request_for_newer_code_is_not_malformed() -> None:
    with pytest.raises(NewerFormat):
        read(request_body(format_version=3, call=None, vendor=None))


@pytest.mark.parametrize("ends_epoch_s", [1_800_000_900, None])
def test_a_requeued_request_still_says_when_its_task_ends(ends_epoch_s: int | None) -> None:
    request = request_of(ends_epoch_s=ends_epoch_s)
    assert read(request.to_body()) == request


@pytest.mark.parametrize("ends", ["soon", 1.5, [], {}])
def test_what_is_no_time_is_left_to_when_the_message_was_sent(ends: Any) -> None:
    assert read(request_body(ends_epoch_s=ends)).ends_epoch_s is None


@pytest.mark.parametrize(("body", "reason"), MISTAKES.values(), ids=MISTAKES)
def test_a_malformed_request_is_refused_by_the_name_of_its_mistake(body: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(body)
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (request_body(payload=None), TOKEN),
        (request_body(call=None), TOKEN),
        (json.dumps({"task_token": TOKEN}), TOKEN),
        (request_body(task_token=None), None),
        (request_body(task_token=""), None),
        (request_body(task_token=5), None),
        ("{", None),
        ("[]", None),
    ],
)
def test_a_token_is_found_in_what_is_malformed_otherwise(body: str, token: Any) -> None:
    assert waiter_of(body) == token
