"""One submit as the vendor sees it, and what each of its answers means."""

from typing import Any

import httpx
import pytest
from headway_lane.limiter.turn import Unpaced
from headway_lane.runtime.errors import ErrorCode, FailTask
from headway_lane.vendor_api.submission import submission_of
from headway_lane.vendor_api.submit import DETAIL_LENGTH, submit

from tests.unit.headway_lane.fakes import CALLBACK_URL, FakeVendor, not_asked, vendor_of

IDEMPOTENT = {"submit.idempotency_header": "Idempotency-Key", "submit.ambiguity": "retry"}


def call(
    vendor: FakeVendor, changes: dict[str, Any] | None = None, payload: dict[str, Any] | None = None
) -> tuple[str, list[float]]:
    slept_s: list[float] = []
    sent = {"text": "Grüße"} if payload is None else payload
    contract, turns = vendor_of(changes), Unpaced()
    submission = submission_of(contract, sent, "call-1-key", CALLBACK_URL)
    job_id = submit(vendor.proxy(), contract, submission, turns, not_asked, slept_s.append)
    return job_id, slept_s


def failure(vendor: FakeVendor, changes: dict[str, Any] | None = None, payload: dict[str, Any] | None = None) -> Any:
    with pytest.raises(FailTask) as failed:
        call(vendor, changes, payload)
    return failed.value


def test_the_vendor_gets_the_payload_the_fixed_fields_and_the_callback_url_once() -> None:
    vendor = FakeVendor(httpx.Response(201, json={"id": "job-1"}))
    assert call(vendor) == ("job-1", [])
    (request,) = vendor.requests
    assert (request.method, str(request.url)) == ("POST", "https://proxy.example/live/v1/jobs")
    assert request.headers["content-type"] == "application/json"
    expected = '{"text":"Grüße","events":["end"],"webhook":"https://callbacks.example/acme"}'
    assert request.content == expected.encode()


def test_the_contracts_fields_win_over_the_payload() -> None:
    vendor = FakeVendor(httpx.Response(201, json={"id": "job-1"}))
    call(vendor, payload={"events": ["all"], "webhook": "https://elsewhere.example"})
    assert vendor.documents == [{"events": ["end"], "webhook": CALLBACK_URL}]


def test_the_callback_url_goes_to_a_dotted_path_beside_what_is_there() -> None:
    vendor = FakeVendor(httpx.Response(201, json={"id": "job-1"}))
    payload = {"options": {"deep": {"mode": "fast"}}}
    call(vendor, {"submit.callback_url": "options.deep.url", "submit.fields": {}}, payload)
    assert vendor.documents == [{"options": {"deep": {"mode": "fast", "url": CALLBACK_URL}}}]
    assert payload == {"options": {"deep": {"mode": "fast"}}}


def test_a_payload_that_disagrees_with_the_contract_never_reaches_the_vendor() -> None:
    vendor = FakeVendor(httpx.Response(201, json={"id": "job-1"}))
    error = failure(vendor, {"submit.callback_url": "options.url"}, {"options": "none"})
    assert error.code is ErrorCode.REQUEST_MALFORMED
    assert error.cause == "payload: `options` is not an object, so `options.url` cannot be written"
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("path", "answer", "job_id"),
    [
        ("id", {"id": "job-1"}, "job-1"),
        ("id", {"id": 42}, "42"),
        ("id", {"id": 0}, "0"),
        ("data.object.id", {"data": {"object": {"id": "job-1"}}}, "job-1"),
    ],
)
def test_the_job_id_is_read_where_the_contract_says(path: str, answer: Any, job_id: str) -> None:
    assert call(FakeVendor(httpx.Response(201, json=answer)), {"submit.job_id": path})[0] == job_id


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(201, json={}),
        httpx.Response(201, json={"id": None}),
        httpx.Response(201, json={"id": ""}),
        httpx.Response(201, json={"id": True}),
        httpx.Response(201, json={"id": ["job-1"]}),
        httpx.Response(201, json=["job-1"]),
        httpx.Response(201, text="<html>"),
        httpx.Response(201, content=b'{"id": "\xff"}'),
        httpx.Response(204),
    ],
    ids=["none", "null", "empty", "bool", "list", "no object", "no JSON", "no UTF-8", "no body"],
)
def test_an_acceptance_without_a_job_id_fails_the_task_and_is_not_repeated(answer: httpx.Response) -> None:
    vendor = FakeVendor(answer)
    error = failure(vendor, IDEMPOTENT)
    assert error.code is ErrorCode.VENDOR_ANSWER_UNREADABLE
    assert error.cause == f"acme answered HTTP {answer.status_code} without a job ID at `id`"
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 404, 409, 422])
def test_a_refusal_is_for_good_with_the_vendors_reason_cut(status: int) -> None:
    vendor = FakeVendor(httpx.Response(status, text="x" * 9_000))
    error = failure(vendor, IDEMPOTENT)
    assert error.code is ErrorCode.VENDOR_REJECTED
    assert error.cause == f"acme answered HTTP {status}: {'x' * DETAIL_LENGTH}"
    assert len(vendor.requests) == 1


def test_the_idempotency_key_goes_in_the_header_that_the_contract_names() -> None:
    vendor = FakeVendor(httpx.Response(201, json={"id": "job-1"}))
    call(vendor, {"submit.idempotency_header": "Idempotency-Key"})
    call(vendor)
    assert [request.headers.get("idempotency-key") for request in vendor.requests] == ["call-1-key", None]
