"""Results that came with the callback."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.contract.exchange import Delivered
from headway_lane.ledger.record import Answer
from headway_lane.ledger.store import Ledger
from headway_lane.messages.claim import answers_folder
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.results_queue import write
from headway_lane.messages.waiter import Waiter
from headway_lane.results import handler
from headway_lane.results.delivery import delivered
from headway_lane.runtime.errors import ErrorCode, FailTask

from tests.unit.headway_lane.fakes import TOKEN, FakeS3, Worker, sqs_record, vendor_of

EVENT = {"id": "job-1", "data": {"text": "Grüße"}}


def answer(ledger: Ledger, event: Any = EVENT) -> None:
    ledger.join_answer("acme", Answer("job-1", True, "arrived", json.dumps(event)))


@pytest.mark.parametrize(("field", "result"), [(None, EVENT), ("data", {"text": "Grüße"}), ("data.text", "Grüße")])
def test_a_result_is_the_event_or_the_part_that_the_contract_names(
    ledger: Ledger, field: str | None, result: Any
) -> None:
    answer(ledger)
    assert delivered(ledger, FakeS3().claims(), "acme", Delivered(field), "job-1") == result


@pytest.mark.parametrize(
    ("job_id", "field", "cause"),
    [
        ("job-2", None, "the ledger has no answer of acme to this job any more"),
        ("job-1", "data.words", "acme's callback has nothing at `data.words`"),
    ],
)
def test_a_result_that_is_not_there_is_unavailable(ledger: Ledger, job_id: str, field: str | None, cause: str) -> None:
    answer(ledger)
    with pytest.raises(FailTask) as failed:
        delivered(ledger, FakeS3().claims(), "acme", Delivered(field), job_id)
    assert (failed.value.code, failed.value.cause) == (ErrorCode.RESULT_UNAVAILABLE, cause)


def test_an_event_behind_a_claim_check_is_fetched_from_there(ledger: Ledger) -> None:
    s3 = FakeS3()
    pointer = s3.claims().keep(json.dumps(EVENT).encode(), answers_folder("acme"))
    answer(ledger, pointer)
    assert delivered(ledger, s3.claims(), "acme", Delivered("data.text"), "job-1") == "Grüße"
    s3.objects.clear()
    with pytest.raises(FailTask) as failed:
        delivered(ledger, s3.claims(), "acme", Delivered(None), "job-1")
    assert failed.value.code is ErrorCode.RESULT_UNAVAILABLE


def test_the_function_asks_the_ledger_and_not_the_vendor(worker: Worker) -> None:
    worker.profiles.contract = vendor_of({"result": {"source": "callback", "field": "data"}})
    answer(worker.ledger)
    fetch = Fetch("call-1", "job-1", "arrived", Waiter(TOKEN))
    assert handler.find({"Records": [sqs_record(write(fetch))]}, LambdaContext())["batchItemFailures"] == []
    [success] = worker.step_functions.of("SendTaskSuccess")
    assert json.loads(success["output"])["result"] == {"text": "Grüße"}
    assert worker.vendor.requests == []
