"""A submit as its contract writes it, and the job ID in the answer."""

import json
from typing import Any

import httpx
import pytest
from headway_lane.limiter.turn import Unpaced
from headway_lane.runtime.errors import ErrorCode, FailTask
from headway_lane.vendor_api.submission import job_id_of, submission_of
from headway_lane.vendor_api.submit import submit

from tests.unit.headway_lane.fakes import CALLBACK_URL, FakeVendor, not_asked, vendor_of

FORM = {"submit.body": "form", "submit.callback_url": "StatusCallback", "submit.fields": {"Events": ["end", "start"]}}
HEADER = {"submit.job_id": {"header": "Location"}}


def sent(changes: dict[str, Any], payload: dict[str, Any], key: str | None = None) -> httpx.Request:
    """Return the request as the vendor gets it."""
    vendor, turns = FakeVendor(httpx.Response(201, json={"id": "job-1"})), Unpaced()
    contract = vendor_of(changes)
    submission = submission_of(contract, payload, "key-1", CALLBACK_URL, key)
    submit(vendor.proxy(), contract, submission, turns, not_asked, lambda _: None)
    [request] = vendor.requests
    return request


def test_a_form_has_a_field_for_each_text_number_and_boolean_and_repeats_lists() -> None:
    request = sent(FORM, {"To": "+1 555", "Count": 3, "Share": 0.5, "Record": True, "Digits": None, "Tags": ["a", "b"]})
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.content.decode().split("&") == [
        "To=%2B1+555",
        "Count=3",
        "Share=0.5",
        "Record=true",
        "Tags=a",
        "Tags=b",
        "Events=end",
        "Events=start",
        "StatusCallback=https%3A%2F%2Fcallbacks.example%2Facme",
    ]


@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}], [["a"]]])
def test_what_a_form_cannot_carry_is_the_payloads_fault(value: Any) -> None:
    with pytest.raises(FailTask, match=r"`Options` has .*, which a form cannot carry") as failed:
        submission_of(vendor_of(FORM), {"Options": value}, "key-1", CALLBACK_URL)
    assert failed.value.code is ErrorCode.REQUEST_MALFORMED


def test_the_callback_url_and_fixed_parameters_go_into_the_query() -> None:
    changes = {"submit.callback_url": {"query": "callback"}, "submit.query": {"model": "nova-3"}, "submit.fields": {}}
    request = sent(changes, {"url": "https://example.com/a.wav"})
    assert dict(request.url.params) == {"model": "nova-3", "callback": CALLBACK_URL}
    assert json.loads(request.content) == {"url": "https://example.com/a.wav"}


def test_a_vendor_that_knows_the_url_from_the_account_is_not_told() -> None:
    request = sent({"submit.callback_url": None, "submit.fields": {}}, {"text": "a"})
    assert json.loads(request.content) == {"text": "a"}
    assert request.url.query == b""


def test_the_webhook_key_goes_where_the_vendor_wants_it_and_the_payload_cannot_change_it() -> None:
    changes = {"submit.callback_key": "auth.value", "submit.fields": {}}
    request = sent(changes, {"auth": {"value": "mine", "name": "X-Key"}}, "secret-1")
    assert json.loads(request.content)["auth"] == {"value": "secret-1", "name": "X-Key"}


def test_our_key_goes_where_the_vendor_keeps_it_and_the_payload_cannot_change_it() -> None:
    changes = {"submit.idempotency_field": "metadata.reference", "submit.fields": {}}
    request = sent(changes, {"metadata": {"reference": "mine", "order": 7}})
    assert json.loads(request.content)["metadata"] == {"reference": "key-1", "order": 7}
    assert b"reference=key-1" in sent(FORM | {"submit.idempotency_field": "reference"}, {}).content


def test_a_payload_without_room_for_our_key_never_reaches_the_vendor() -> None:
    with pytest.raises(FailTask, match="`metadata` is not an object") as failed:
        sent({"submit.idempotency_field": "metadata.reference"}, {"metadata": "mine"})
    assert failed.value.code is ErrorCode.REQUEST_MALFORMED


@pytest.mark.parametrize(
    ("value", "job_id"),
    [
        ("https://vendor.example/v1/jobs/job-1", "job-1"),
        ("https://vendor.example/v1/jobs/job-1/", "job-1"),
        ("/v1/jobs/job-1?wait=1", "job-1"),
        ("job-1", "job-1"),
    ],
)
def test_a_job_id_in_a_header_is_the_last_part_of_its_url(value: str, job_id: str) -> None:
    assert job_id_of(vendor_of(HEADER), httpx.Response(201, headers={"location": value})) == job_id


@pytest.mark.parametrize("headers", [{}, {"location": ""}, {"location": "/"}, {"location": "j" * 1_025}])
def test_an_answer_without_its_header_is_unreadable(headers: dict[str, str]) -> None:
    with pytest.raises(FailTask, match="without a job ID in the header `Location`") as failed:
        job_id_of(vendor_of(HEADER), httpx.Response(201, headers=headers, json={"id": "job-1"}))
    assert failed.value.code is ErrorCode.VENDOR_ANSWER_UNREADABLE


@pytest.mark.parametrize(("changes", "expected"), [({}, "00-trace"), ({"submit.traceparent": False}, None)])
def test_the_trace_goes_along_unless_the_contract_does_not_want_it(
    changes: dict[str, Any], expected: str | None
) -> None:
    submission = submission_of(vendor_of(changes), {}, "key-1", CALLBACK_URL, traceparent="00-trace")
    assert submission.headers.get("traceparent") == expected
