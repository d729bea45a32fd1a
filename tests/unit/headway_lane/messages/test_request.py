"""Reading a request message: what is wrong is named, and its task can be failed wherever it left a token."""

import json
from typing import Any

import pytest
from headway_lane.messages.request import CallRequest, waiter_of
from headway_lane.runtime.errors import Malformed

from tests.unit.headway_lane.fakes import TOKEN, request_body, request_of

MISTAKES: dict[str, tuple[str, str]] = {
    "not JSON": ("{", "the request is not JSON"),
    "empty": ("", "the request is not JSON"),
    "a list": ("[]", "the request is not a JSON object"),
    "a number": ("1", "the request is not a JSON object"),
    "no vendor": (request_body(vendor=None), "`vendor` is None, but this queue serves 'acme'"),
    "another vendor": (request_body(vendor="other"), "`vendor` is 'other', but this queue serves 'acme'"),
    "no call ID": (request_body(call_id=None), "`call_id` must be a non-empty string"),
    "an empty call ID": (request_body(call_id=""), "`call_id` must be a non-empty string"),
    "a number as call ID": (request_body(call_id=7), "`call_id` must be a non-empty string"),
    "no idempotency key": (request_body(idempotency_key=None), "`idempotency_key` must be a non-empty string"),
    "no payload": (request_body(payload=None), "`payload` must be an object"),
    "a list as payload": (request_body(payload=["x"]), "`payload` must be an object"),
    "text as payload": (request_body(payload="x"), "`payload` must be an object"),
    "no token": (request_body(task_token=None), "`task_token` must be a non-empty string"),
    "an empty token": (request_body(task_token=""), "`task_token` must be a non-empty string"),
}


def test_a_request_is_read_as_the_workflow_writes_it() -> None:
    assert CallRequest.from_body(request_body(), "acme") == request_of()


def test_unknown_fields_are_left_aside() -> None:
    assert CallRequest.from_body(request_body(priority="high"), "acme") == request_of()


@pytest.mark.parametrize(("body", "reason"), MISTAKES.values(), ids=MISTAKES)
def test_a_malformed_request_is_refused_by_the_name_of_its_mistake(body: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        CallRequest.from_body(body, "acme")
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (request_body(payload=None), TOKEN),
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
