"""The ways of texts to a boundary: the code that runs on AWS, with clients that only keep what they are told."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from headway_lane.callback import batch as callback_batch
from headway_lane.callback.inbox import Inbox
from headway_lane.caller.invocation import CallOutcome, CallReport
from headway_lane.contract import paths
from headway_lane.dispatcher.batch import open_batch
from headway_lane.dispatcher.dispatch import Dispatcher
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.core.reservations import Permit
from headway_lane.messages.check import Check
from headway_lane.messages.claim import Claim, answers_folder, results_folder
from headway_lane.messages.envelope import Envelope
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.messages.waiter import Waiter
from headway_lane.results.fetching import Fetcher
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode, FailTask, Forged, Malformed, NewerFormat, RetryLater
from headway_lane.settling.rejection import Rejecter

from benchmarks.virtual_table import VirtualTable
from headway.run.lines import BadLine, Route, read_line
from tests.unit.headway_lane.boundaries.boundary import (
    CAUSE,
    ITEM,
    KEY,
    MESSAGE,
    STATE_DATA,
    Fate,
    Limit,
    Sent,
    item_bytes,
    json_bytes,
    message_bytes,
    text_bytes,
)
from tests.unit.headway_lane.calls import accepted, sending
from tests.unit.headway_lane.fakes import (
    CLAIMS_BUCKET,
    NOW_MS,
    SIGNED_AT,
    TOKEN,
    WEBHOOK_KEY,
    FakeProfiles,
    FakeS3,
    FakeSqs,
    FakeStepFunctions,
    FakeTurns,
    callback_record,
    place_of,
    received,
    request_body,
    request_of,
    signed,
    vendor_of,
)

NEWER: Final = NewerFormat("newer", 60)
PERMIT: Final = Permit(NOW_MS * 1_000, 1, 1)


class Lane:
    """A lane's clients and ledger, without a network."""

    def __init__(self) -> None:
        self.step_functions, self.sqs, self.s3 = FakeStepFunctions(TOKEN), FakeSqs(), FakeS3()
        self.calls, self.jobs = VirtualTable("call_id", lambda: None), VirtualTable("job_key", lambda: None)
        self.ledger = Ledger(cast(Any, self.calls), cast(Any, self.jobs), lambda: NOW_MS)
        self.settler = Settler(self.ledger, self.step_functions.waiters())

    def went(self) -> list[tuple[Limit, int]]:
        """Count what went over so far."""
        sizes = [(MESSAGE, message_bytes(params)) for params in self.sqs.of("SendMessage")]
        sizes += [(STATE_DATA, text_bytes(params["input"])) for params in self.step_functions.of("StartExecution")]
        sizes += [(STATE_DATA, text_bytes(params["output"])) for params in self.step_functions.of("SendTaskSuccess")]
        sizes += [(CAUSE, text_bytes(params["cause"])) for params in self.step_functions.of("SendTaskFailure")]
        for item in [*self.calls.items.values(), *self.jobs.items.values()]:
            sizes += [(ITEM, item_bytes(item)), *((KEY, text_bytes(item[key])) for key in KEYS if key in item)]
        return sizes

    def sent(self, fate: Fate, error: ErrorCode | None = None) -> Sent:
        """Say what became of a text."""
        return Sent(fate, self.went(), error)

    def failed_as(self) -> ErrorCode:
        """Return the error that the task was failed with."""
        (failure,) = self.step_functions.of("SendTaskFailure")
        return ErrorCode(failure["error"])


KEYS: Final = ("call_id", "job_key", "execution")
"""Attributes that are the key of a table, or of its index."""


class Pace:
    """Gives a permit for every call, or says that the slot is far away."""

    def __init__(self, far: bool) -> None:
        self._far = far

    def turns(self, *_: Any) -> Iterator[Permit | None]:
        if self._far:
            raise RetryLater("far away", 60)
        yield PERMIT


# Requests: dispatcher and request queue.


def dispatched(*, far: bool, where: str) -> Callable[[str], Sent]:
    """Return the way of a request with a text in its payload, or in where it is asked for, through the dispatcher."""

    def send(text: str) -> Sent:
        lane = Lane()
        vendor = vendor_of()
        dispatcher = Dispatcher(
            vendor.name,
            FakeProfiles(vendor),
            lane.ledger,
            lane.step_functions.waiters(),
            cast(Any, Pace(far)),
            step_functions=lane.step_functions.client(),
            machine_arn="dispatch_call",
            epoch_s=lambda: NOW_MS / 1_000,
        )
        messages = [received(_request(text, where))]
        try:
            with open_batch(dispatcher, RequestQueues(lane.sqs.client()), messages) as opened:
                opened.dispatch(messages[0])
        except Malformed:
            return lane.sent(Fate.REFUSED, lane.failed_as())
        document = json.loads((lane.sqs if far else lane.step_functions).sent[-1][1]["MessageBody" if far else "input"])
        came = document["payload"]["text"] if where == "payload" else document["call"][where]
        return lane.sent(Fate.INTACT if came == text else Fate.CUT)

    return send


def _request(text: str, where: str) -> str:
    if where == "payload":
        return request_body(payload={"text": text})
    return request_body(call={**place_of().as_document(), where: text})


def input_bytes(text: str) -> int:
    """Count the input of `dispatch_call` with a text in its payload: without any it is as in the test before."""
    (start,) = (size for limit, size in dispatched(far=False, where="payload")("").went if limit is STATE_DATA)
    return start + json_bytes(text) - 2


# The ends of calls.


def rejected(text: str) -> Sent:
    """Reject a call for a reason that quotes a text, as the caller and the settler do."""
    lane = Lane()
    request = request_of()
    sending(lane.ledger)
    failure = FailTask(ErrorCode.REQUEST_MALFORMED, text)
    report = CallReport(CallOutcome.REJECTED, error=failure.code, cause=failure.cause)
    call = {"call_id": request.call_id, "attempt": request.attempt, "payload": {"text": "x"}}
    Rejecter(lane.ledger, lane.settler, lane.sqs.client(), "dlq").reject(call, failure.code, failure.cause)
    (told,) = lane.step_functions.of("SendTaskFailure")
    (put_aside,) = lane.sqs.of("SendMessage")
    assert json.loads(put_aside["MessageBody"])["cause"] == told["cause"]
    state = STATE_DATA, len(json.dumps(report.to_json()))  # what the caller returns, with all escapes
    return Sent(_cut(text, told["cause"]), [state, *lane.went()])


def malformed(text: str) -> Sent:
    """Refuse a request whose field is wrong, which the reason quotes."""
    lane = Lane()
    lane.step_functions.waiters().fail(Waiter(TOKEN), ErrorCode.REQUEST_MALFORMED, text)
    (told,) = lane.step_functions.of("SendTaskFailure")
    return lane.sent(_cut(text, told["cause"]))


def _cut(text: str, came: str) -> Fate:
    if came == text:
        return Fate.INTACT
    assert text.startswith(came), "cut within a character, or changed"
    return Fate.CUT


def fetched(text: str) -> Sent:
    """Hand a result to the task that waits for it."""
    lane = Lane()
    queue = ResultsQueue(lane.sqs.client(), "results", lambda: 0)
    fetcher = Fetcher(
        "acme", lane.step_functions.waiters(), lane.s3.claims(), queue, get=lambda *_: text, spread=lambda: 1.0
    )
    fetcher.fetch(Fetch("call-1", "job-1", "succeeded", Waiter(TOKEN)), FakeTurns())
    (success,) = lane.step_functions.of("SendTaskSuccess")
    return lane.sent(_claimed(lane, json.loads(success["output"])["result"], results_folder("acme"), text))


def _claimed(lane: Lane, value: Any, folder: str, text: Any) -> Fate:
    assert lane.s3.claims().redeem(value, folder) == text
    return Fate.INTACT if Claim.read(value) is None else Fate.CLAIMED


# Callbacks.


def answered(text: str) -> Sent:
    """Take a callback with a text in it, and keep it in the ledger."""
    lane = Lane()
    event = {"id": "job-1", "status": "succeeded", "text": text}
    body = json.dumps(event, ensure_ascii=False)
    inbox = Inbox(FakeProfiles(vendor_of()), lane.ledger, lane.settler, lane.s3.claims(), lambda: [WEBHOOK_KEY])
    inbox.receive(Envelope("acme", signed(body), body.encode(), SIGNED_AT.timestamp()))
    kept = lane.ledger.answer_of_job("acme", "job-1")
    assert kept
    return lane.sent(_claimed(lane, json.loads(kept.body), answers_folder("acme"), event))


def kept_bytes(text: str) -> int:
    """Count an event as the ledger writes it: a JSON text in a JSON text."""
    return json_bytes(json.dumps({"id": "job-1", "status": "succeeded", "text": text}, ensure_ascii=False))


def put_aside(text: str) -> Sent:
    """Refuse a message of the callback queue, whose body is a text."""
    lane = Lane()
    callback_batch.put_aside(lane.sqs.client(), "dlq", _record(text), "acme", Forged("no signature matches a key"))
    (message,) = lane.sqs.of("SendMessage")
    reason = message["MessageAttributes"]["reason"]["StringValue"]
    fate = _cut(text or "(empty)", message["MessageBody"])
    assert reason.endswith("; the body is cut") is (fate is Fate.CUT)
    return lane.sent(fate)


def put_aside_bytes(text: str) -> int:
    """Count a message that is put aside with its body whole."""
    ((_, size),) = put_aside("x").went
    return size - 1 + text_bytes(text)


def _record(text: str) -> SQSRecord:
    return SQSRecord(callback_record("", {"webhook-signature": "v1," + "x" * 10_000}) | {"body": text})


# Job IDs.


def accepted_as(text: str) -> Sent:
    """Accept a call under a job ID, and leave a check of it in the results queue."""
    lane = Lane()
    job_id = paths.identifier(text)
    if job_id is None:
        return lane.sent(Fate.REFUSED, ErrorCode.VENDOR_ANSWER_UNREADABLE)  # `submission.job_id_of` says so
    call = accepted(lane.ledger, job_id=job_id)
    lane.ledger.join_call(call, job_id)
    ResultsQueue(lane.sqs.client(), "results", lambda: 0).check(Check(call.call_id, job_id, 1, 2))
    (message,) = lane.sqs.of("SendMessage")
    return lane.sent(Fate.INTACT if json.loads(message["MessageBody"])["job_id"] == text else Fate.CUT)


# Lines of a file.


def read_in(field: str) -> Callable[[str], Sent]:
    """Return the way of a line with a text in its payload, or as its tenant."""

    def send(text: str) -> Sent:
        route = Route("call", ("acme",), "acme", "place", "file", claims_buckets={"acme": CLAIMS_BUCKET})
        document = {"payload": {"text": text}} if field == "payload" else {"payload": {}, "tenant": text or "x"}
        line = read_line(1, json.dumps(document).encode(), route, name="in.jsonl", occurrence=lambda _: 0)
        if isinstance(line, BadLine):
            return Sent(Fate.REFUSED, [])
        went = [(STATE_DATA, text_bytes(line.execution_input))]
        if line.claim is None:
            assert json.loads(line.execution_input) == document
            return Sent(Fate.INTACT, went)
        assert json.loads(line.claimed) == document["payload"]
        return Sent(Fate.CLAIMED, went)

    return send


def payload_bytes(text: str) -> int:
    """Count a payload with a text in it."""
    return json_bytes(text) + len('{"text":}')


def named_input_bytes(text: str) -> int:
    """Count an execution's input without a payload, for a tenant."""
    return json_bytes(text) + len('{"payload":{},"tenant":}')
