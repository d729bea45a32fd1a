"""Results that came with the callback."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.contract.exchange import Delivered
from functions.errors import ErrorCode, FailTask
from functions.ledger.record import Answer
from functions.ledger.store import Ledger
from functions.results import delivery
from functions.results.delivery import delivered
from functions.results.size import OUTPUT_LIMIT_BYTES
from tests.unit.functions.fakes import Worker, vendor_of

EVENT = {"id": "job-1", "data": {"text": "Grüße"}}


def answer(ledger: Ledger, event: Any = EVENT) -> None:
    ledger.join_answer("acme", Answer("job-1", True, "arrived", json.dumps(event)))


@pytest.mark.parametrize(("field", "result"), [(None, EVENT), ("data", {"text": "Grüße"}), ("data.text", "Grüße")])
def test_a_result_is_the_event_or_the_part_that_the_contract_names(
    ledger: Ledger, field: str | None, result: Any
) -> None:
    answer(ledger)
    assert delivered(ledger, "acme", Delivered(field), "job-1") == result


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
        delivered(ledger, "acme", Delivered(field), job_id)
    assert (failed.value.code, failed.value.cause) == (ErrorCode.RESULT_UNAVAILABLE, cause)


def test_a_result_that_no_state_carries_is_too_large(ledger: Ledger) -> None:
    answer(ledger, {"id": "job-1", "text": "x" * OUTPUT_LIMIT_BYTES})
    with pytest.raises(FailTask) as failed:
        delivered(ledger, "acme", Delivered(None), "job-1")
    assert failed.value.code is ErrorCode.RESULT_TOO_LARGE


def test_the_function_asks_the_ledger_and_not_the_vendor(worker: Worker) -> None:
    worker.profiles.contract = vendor_of({"result": {"source": "callback", "field": "data"}})
    answer(worker.ledger)
    report = delivery.handle({"call_id": "call-1", "job_id": "job-1"}, LambdaContext())
    assert report == {"outcome": "fetched", "result": {"text": "Grüße"}}
    assert worker.vendor.requests == []
