"""How the call of the first attempt got to where a request finds it, and what follows; for tests of the dispatcher."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.dispatcher import handler
from headway_lane.ledger.record import Call
from headway_lane.ledger.store import Ledger
from headway_lane.messages.identity import attempt_of
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import ErrorCode

from tests.unit.headway_lane.fakes import CALL_ID, TENANT, TOKEN, Worker, request_body, request_of, sqs_record

FIRST_ATTEMPT = attempt_of(Waiter(TOKEN))
LEASE_S = 40

Way = Callable[[Ledger], object]
"""Takes the call of the first attempt, which is queued, further."""


def begun(ledger: Ledger) -> None:
    assert ledger.begin(CALL_ID, FIRST_ATTEMPT, "invocation-1", LEASE_S)


def sending(ledger: Ledger) -> None:
    begun(ledger)
    assert ledger.send(CALL_ID, FIRST_ATTEMPT, "invocation-1")


def doubtful(ledger: Ledger) -> None:
    sending(ledger)
    assert ledger.release(found(ledger), doubtful=True)


def accepted(ledger: Ledger) -> None:
    sending(ledger)
    assert ledger.accept(CALL_ID, FIRST_ATTEMPT, "job-1")


def answered(ledger: Ledger) -> None:
    accepted(ledger)
    assert ledger.answer(CALL_ID, "job-1")


def resumed(ledger: Ledger) -> None:
    answered(ledger)
    assert ledger.resume(found(ledger))


def late(error: str | None) -> Way:
    def way(ledger: Ledger) -> None:
        answered(ledger)
        assert ledger.lapse(found(ledger), error)

    return way


def expired(before: Way) -> Way:
    def way(ledger: Ledger) -> None:
        before(ledger)
        assert ledger.expire(found(ledger), "")

    return way


def rejected(error: str) -> Way:
    def way(ledger: Ledger) -> None:
        sending(ledger)
        assert ledger.reject(CALL_ID, FIRST_ATTEMPT, error, "why")

    return way


def overdue(ledger: Ledger) -> None:
    accepted(ledger)
    assert ledger.abandon(found(ledger), ErrorCode.VENDOR_JOB_OVERDUE, "why")


def found(ledger: Ledger) -> Call:
    call = ledger.find(CALL_ID)
    assert call
    return call


def queued(ledger: Ledger) -> None:
    """Leave the call where it is."""


def enter(worker: Worker, way: Way, waiting: str) -> None:
    """Bring the call of the first attempt there, and let only the task of this token wait."""
    worker.ledger.enqueue(request_of(), TENANT, 3_600)
    way(worker.ledger)
    worker.step_functions.waiting = {waiting}


def message(body: str, group: str = TENANT) -> dict[str, Any]:
    """Return the event of one message of a message group."""
    record = sqs_record(body)
    record["attributes"]["MessageGroupId"] = group
    return {"Records": [record]}


def dispatch(token: str) -> None:
    assert handler.dispatch(message(request_body(task_token=token)), LambdaContext()) == {"batchItemFailures": []}


def started(worker: Worker) -> Mapping[str, Any] | None:
    """Return the input of what was started; None for nothing."""
    starts = worker.step_functions.of("StartExecution")
    assert len(starts) <= 1
    return json.loads(starts[0]["input"]) if starts else None


def delay_s(worker: Worker) -> int | None:
    """Return after what time the message comes again; None where it does not."""
    sent = worker.sqs.of("SendMessage")
    assert len(sent) <= 1
    return sent[0]["DelaySeconds"] if sent else None
