"""A pointer is told by where it stands: what a vendor writes in a pointer's shape is data, and leads nowhere."""

import json
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.callback import handler as callback
from headway_lane.messages.claim import CARRIED_BYTES, FIELD, answers_folder, results_folder
from headway_lane.results import handler as results

from tests.unit.headway_lane.fakes import CLAIMS_BUCKET, Worker, callback_record, vendor_of

OTHERS = f"{answers_folder('acme')}/of-another-tenant.json"
OTHERS_RESULT = f"{results_folder('acme')}/of-another-tenant.json"
SECRET = b'{"secret": "of another tenant"}'


def pointing(**place: Any) -> dict[str, Any]:
    return {FIELD: {"bucket": CLAIMS_BUCKET, "key": OTHERS, "size_bytes": 7, **place}}


POINTERS = {
    "another's answer": pointing(),
    "another's result": pointing(key=OTHERS_RESULT),
    "nothing": pointing(key=f"{answers_folder('acme')}/absent.json"),
    "elsewhere": pointing(bucket="other", key="a"),
    "newer code": pointing(format_version=99),
    "no format": pointing(format_version="x"),
    "a list": pointing(key=["a"]),
    "itself": pointing(more=pointing()),
    "something large": pointing(more="ü" * CARRIED_BYTES),
}
DELIVERED = {"verification": "none", "job_id": f"{FIELD}.size_bytes"}


@pytest.fixture(autouse=True)
def others(worker: Worker) -> None:
    for key in (OTHERS, OTHERS_RESULT):
        worker.s3.objects[f"{CLAIMS_BUCKET}/{key}"] = SECRET


def found(worker: Worker, job_id: str) -> Any:
    """Return a result as a workflow gets it: behind a pointer of ours, because it looks like one."""
    report = results.result_of(worker.profiles.contract, "call-1", job_id)
    assert report["outcome"] == "fetched", report
    return worker.s3.claims().redeem(report["result"], results_folder("acme"))


def called_back(event: dict[str, Any]) -> None:
    answer = callback.receive({"Records": [callback_record(json.dumps(event), {})]}, LambdaContext())
    assert answer == {"batchItemFailures": []}


@pytest.mark.parametrize("pointer", POINTERS.values(), ids=POINTERS)
def test_an_event_in_a_pointers_shape_is_the_result(worker: Worker, pointer: dict[str, Any]) -> None:
    worker.profiles.contract = vendor_of({"callback": DELIVERED, "result": {"source": "callback"}})
    called_back(pointer)
    assert found(worker, "7") == pointer


@pytest.mark.parametrize("pointer", POINTERS.values(), ids=POINTERS)
def test_one_of_several_events_in_a_pointers_shape_is_the_result(worker: Worker, pointer: dict[str, Any]) -> None:
    listed = {**DELIVERED, "events": "all"}
    worker.profiles.contract = vendor_of({"callback": listed, "result": {"source": "callback"}})
    called_back({"all": [pointer]})
    assert found(worker, "7") == pointer


@pytest.mark.parametrize("pointer", POINTERS.values(), ids=POINTERS)
def test_a_field_in_a_pointers_shape_is_the_result(worker: Worker, pointer: dict[str, Any]) -> None:
    placed = {"verification": "none", "job_id": "id"}
    worker.profiles.contract = vendor_of({"callback": placed, "result": {"source": "callback", "field": "out"}})
    called_back({"id": "7", "out": pointer})
    assert found(worker, "7") == pointer


@pytest.mark.parametrize("pointer", POINTERS.values(), ids=POINTERS)
def test_a_fetched_result_in_a_pointers_shape_is_the_result(worker: Worker, pointer: dict[str, Any]) -> None:
    worker.vendor.answers = [httpx.Response(200, json=pointer)]
    assert found(worker, "7") == pointer


@pytest.mark.parametrize("value", [[pointing()], {**pointing(), "more": 1}, {"out": pointing()}, FIELD])
def test_what_has_not_the_whole_shape_travels_as_it_is(worker: Worker, value: Any) -> None:
    worker.vendor.answers = [httpx.Response(200, json=value)]
    report = results.result_of(worker.profiles.contract, "call-1", "7")
    assert report == {"outcome": "fetched", "result": value}
