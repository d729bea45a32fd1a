"""Old and new code meet in the middle of a deployment: what a version is for newer code to read is left to it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.callback import handler as callbacks
from headway_lane.caller import handler as caller
from headway_lane.contract.limits import Limit, Scope
from headway_lane.dispatcher import handler as dispatcher
from headway_lane.ledger.record import Answer, Call
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession
from headway_lane.limiter.core.reservations import no_reservations
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.core.steps import Entry
from headway_lane.limiter.in_flight import InFlight
from headway_lane.limiter.in_flight_store import DynamoInFlightStore
from headway_lane.limiter.reservation_store import DynamoReservationStore
from headway_lane.messages.check import Check
from headway_lane.messages.claim import Claim
from headway_lane.messages.envelope import Envelope
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.identity import CallSite, attempt_of, call_id_of
from headway_lane.messages.request import CallRequest
from headway_lane.messages.results_queue import read, write
from headway_lane.results import handler as results
from headway_lane.runtime.errors import Malformed, NewerFormat
from headway_lane.runtime.formats import FORMAT_VERSION, NEWER_FORMAT_REQUEUE_S, Format
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.headway_lane.calls import HOLDER, LEASE_S, TTL_S, accepted, dispatching, joined, queued, sending
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    ORIGIN,
    SIGNED_AT,
    TENANT,
    TOKEN,
    Tables,
    Worker,
    callback_record,
    invocation,
    metrics,
    place_of,
    request_body,
    request_of,
    signed,
    sqs_record,
    vendor_of,
)
from tests.unit.headway_lane.memory_stores import budgets_table

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

NEWER = 4
"""Newer than every format."""
SUCCEEDED = '{"id": "job-1", "status": "succeeded"}'
TEXTS = st.text(min_size=1, max_size=20)
FIELDS = st.dictionaries(TEXTS, st.one_of(st.none(), st.integers(), TEXTS, st.lists(TEXTS)), max_size=5)
"""What a format may become, that nobody knows yet."""


def attributed(version: str) -> dict[str, Any]:
    record: dict[str, Any] = callback_record(SUCCEEDED, signed(SUCCEEDED))
    record["messageAttributes"][FORMAT_VERSION] = {"stringValue": version, "dataType": "String"}
    return record


READERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "request": lambda document: CallRequest.from_body(json.dumps(document), "acme", TENANT),
    "results message": lambda document: read(json.dumps(document)),
    "claim": lambda document: Claim.read({"headway_claim": dict(document)}),
    "envelope": lambda document: Envelope.from_record(attributed(str(document[FORMAT_VERSION]))),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@given(fields=FIELDS, version=st.integers(min_value=NEWER))
def test_a_message_of_a_newer_version_is_never_malformed_whatever_is_in_it(
    read: Callable[[Mapping[str, Any]], Any], fields: dict[str, Any], version: int
) -> None:
    with pytest.raises(NewerFormat) as newer:
        read(fields | {FORMAT_VERSION: version})
    assert newer.value.retry_after_s == NEWER_FORMAT_REQUEUE_S


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("version", [0, -1, 1.5, "one", "", True, None, [1]])
def test_what_is_no_version_is_malformed(read: Callable[[Mapping[str, Any]], Any], version: object) -> None:
    with pytest.raises(Malformed):
        read({FORMAT_VERSION: version})


@given(version=st.integers(min_value=1), known=st.integers(min_value=1))
def test_every_version_up_to_the_known_one_is_read_and_none_beyond(version: int, known: int) -> None:
    what = Format("it", known)
    if version <= known:
        what.check({FORMAT_VERSION: version})
    else:
        with pytest.raises(NewerFormat, match="it is written by version"):
            what.check({FORMAT_VERSION: version})


@given(version=st.integers(min_value=1), oldest=st.integers(min_value=1), more=st.integers(min_value=0))
def test_what_cannot_be_made_up_for_is_refused_with_what_to_do(version: int, oldest: int, more: int) -> None:
    what = Format("it", oldest + more, oldest)
    if version < oldest:
        with pytest.raises(Malformed, match=f"it is written by version {version}.* let the lane run empty"):
            what.check({FORMAT_VERSION: version})
    elif version <= oldest + more:
        what.check({FORMAT_VERSION: version})
    what.check(what.stamp)


def test_a_message_without_a_version_is_of_the_first() -> None:
    with pytest.raises(Malformed, match="the request is written by version 1"):
        CallRequest.from_body(request_body(format_version=None), "acme", TENANT)
    check = {"call_id": "call-1", "job_id": "job-1", "due_epoch_s": 1, "until_epoch_s": 2}
    assert read(json.dumps(check)) == Check(**check)  # type: ignore[arg-type] # each has its own type
    claim = {"bucket": "b", "key": "k", "size_bytes": 3}
    assert Claim.read({"headway_claim": claim}) == Claim("b", "k", 3)
    assert Envelope.from_record(callback_record(SUCCEEDED, {})).body == SUCCEEDED.encode()


@given(
    place=st.builds(CallSite, TEXTS, TEXTS, TEXTS, st.text(max_size=9)),
    tenant=st.text(max_size=9),
    payload=FIELDS,
    token=TEXTS,
    ends_epoch_s=st.none() | st.integers(),
)
def test_a_request_comes_back_as_it_was_written(
    place: CallSite, tenant: str, payload: dict[str, Any], token: Any, ends_epoch_s: int | None
) -> None:
    call_id = call_id_of(place, tenant, payload)
    request = CallRequest(call_id, attempt_of(token), place, "acme", payload, token, ends_epoch_s)
    body = request.to_body()
    assert CallRequest.from_body(body, "acme", tenant) == request
    assert json.loads(body)[FORMAT_VERSION] == 2


@given(call_id=TEXTS, job_id=TEXTS, due=st.integers(), until=st.integers())
def test_a_check_comes_back_as_it_was_written(call_id: str, job_id: str, due: int, until: int) -> None:
    check = Check(call_id, job_id, due, until)
    assert read(write(check)) == check
    assert json.loads(write(check))[FORMAT_VERSION] == 2


@given(call_id=TEXTS, job_id=TEXTS, status=st.text(), token=TEXTS, count=st.integers(min_value=0))
def test_a_fetch_comes_back_as_it_was_written(call_id: str, job_id: str, status: str, token: Any, count: int) -> None:
    fetch = Fetch(call_id, job_id, status, token, count)
    assert read(write(fetch)) == fetch
    assert json.loads(write(fetch))[FORMAT_VERSION] == 2


@given(bucket=TEXTS, key=TEXTS, size=st.integers(min_value=0))
def test_a_claim_check_comes_back_as_it_was_written(bucket: str, key: str, size: int) -> None:
    claim = Claim(bucket, key, size)
    assert Claim.read(claim.pointer()) == claim
    assert claim.pointer()["headway_claim"][FORMAT_VERSION] == 1


def test_a_version_costs_a_message_a_few_bytes() -> None:
    without = json.loads(request_of().to_body())
    del without[FORMAT_VERSION]
    assert len(request_of().to_body()) - len(json.dumps(without, ensure_ascii=False, separators=(",", ":"))) < 24


def test_a_newer_request_goes_back_to_its_queue_as_it_came_and_its_neighbour_is_dispatched(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = json.dumps({FORMAT_VERSION: NEWER, "somebody": "else", "task_token": TOKEN})
    event = {"Records": [sqs_record(newer, "m1"), sqs_record(request_body(), "m2")]}
    assert dispatcher.dispatch(event, LambdaContext()) == {"batchItemFailures": []}
    [message] = worker.sqs.of("SendMessage")
    assert (message["MessageBody"], message["QueueUrl"]) == (newer, "https://sqs.example/requests")
    assert message["DelaySeconds"] == NEWER_FORMAT_REQUEUE_S
    [start] = worker.step_functions.of("StartExecution")
    assert json.loads(start["input"])["call"] == place_of().as_document()
    assert worker.step_functions.of("SendTaskFailure") == []
    printed = capsys.readouterr().out
    assert metrics(printed)["FormatsNewer"] == [1.0]
    assert "this code reads up to 2: deploy the newer code" in printed
    assert TOKEN not in printed


def test_a_request_of_version_1_fails_its_task_at_once_with_what_to_do(worker: Worker) -> None:
    before = request_body(format_version=None, call=None, call_id="call-1", idempotency_key="call-1", predecessor="")
    response = dispatcher.dispatch({"Records": [sqs_record(before)]}, LambdaContext())
    assert response == {"batchItemFailures": [{"itemIdentifier": "m1"}]}, "it becomes a dead letter"
    [failure] = worker.step_functions.of("SendTaskFailure")
    assert (failure["taskToken"], failure["error"]) == (TOKEN, "Request.Malformed")
    assert "let the lane run empty before such an upgrade" in failure["cause"]


def test_an_event_of_version_1_is_not_called_for(worker: Worker) -> None:
    event = {"call_id": "call-1", "vendor": "acme", "idempotency_key": "key", "payload": {}, "lease_owner": "owner-1"}
    with pytest.raises(Malformed, match="the request is written by version 1"):
        caller.call({**event, "origin": asdict(ORIGIN)}, invocation())
    assert worker.vendor.requests == []


MOVES: Mapping[str, Callable[[Ledger, Call], object]] = {
    "enqueue": lambda ledger, call: ledger.enqueue(request_of(), TENANT, TTL_S),
    "take over": lambda ledger, call: ledger.take_over(call, request_of(), Succession(Next.DISPATCH), TTL_S),
    "find": lambda ledger, call: ledger.find(CALL_ID),
    "begin": lambda ledger, call: ledger.begin(CALL_ID, call.attempt, HOLDER, LEASE_S),
    "send": lambda ledger, call: ledger.send(CALL_ID, call.attempt, HOLDER),
    "take back": lambda ledger, call: ledger.take_back(call, HOLDER, LEASE_S),
    "release": lambda ledger, call: ledger.release(call),
    "release in doubt": lambda ledger, call: ledger.release(call, doubtful=True),
    "requeue": lambda ledger, call: ledger.requeue(call),
    "accept": lambda ledger, call: ledger.accept(CALL_ID, call.attempt, "job-1"),
    "reject": lambda ledger, call: ledger.reject(CALL_ID, call.attempt, "an error", "a cause"),
    "abandon": lambda ledger, call: ledger.abandon(call, "an error", "a cause"),
    "expire": lambda ledger, call: ledger.expire(call, "a cause"),
    "answer": lambda ledger, call: ledger.answer(CALL_ID, "job-1"),
    "resume": lambda ledger, call: ledger.resume(call),
    "lapse": lambda ledger, call: ledger.lapse(call, None),
}


def lift(table: "Table", key: Mapping[str, str], version: int | None = NEWER) -> None:
    """Let newer code have written a record; None: code before there were versions."""
    names = {"#version": FORMAT_VERSION}
    if version is None:
        table.update_item(Key=key, UpdateExpression="REMOVE #version", ExpressionAttributeNames=names)
        return
    values = {":version": version}
    expression = "SET #version = :version"
    table.update_item(
        Key=key, UpdateExpression=expression, ExpressionAttributeNames=names, ExpressionAttributeValues=values
    )


@pytest.mark.parametrize("bring", [queued, dispatching, sending, accepted])
@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_newer_record_of_a_call_is_neither_read_nor_changed(
    ledger: Ledger,
    tables: Tables,
    move: Callable[[Ledger, Call], object],
    bring: Callable[[Ledger], Call],
) -> None:
    call = bring(ledger)
    lift(tables.calls, {"call_id": CALL_ID})
    before = tables.call()
    with pytest.raises(NewerFormat, match="the record of the call is written by version 4"):
        move(ledger, call)
    assert tables.call() == before


@pytest.mark.parametrize("version", [None, 1])
def test_a_call_that_was_accepted_by_version_1_is_resumed_and_whoever_changes_it_says_by_which(
    worker: Worker, version: int | None
) -> None:
    """Such a record knows no attempt, and such a job no tenant and one call."""
    stamp = {} if version is None else {FORMAT_VERSION: version}
    call = {"call_id": "named", "state": "accepted", "vendor": "acme", "waiter": TOKEN, "job_id": "job-1"}
    worker.tables.calls.put_item(Item={**call, "idempotency_key": "named", "move_id": "move", **stamp})
    worker.tables.jobs.put_item(Item={"job_key": "acme#job-1", "call_id": "named", **stamp})
    callbacks.receive({"Records": [callback_record(SUCCEEDED, signed(SUCCEEDED))]}, LambdaContext())
    assert [sent["taskToken"] for sent in worker.step_functions.of("SendTaskSuccess")] == [TOKEN]
    found = worker.tables.call("named")
    assert (found["state"], found[FORMAT_VERSION]) == ("resumed", 2)


def test_a_call_that_version_1_began_can_be_ended(ledger: Ledger, tables: Tables) -> None:
    item = {"call_id": "named", "state": "dispatching", "vendor": "acme", "waiter": TOKEN, "idempotency_key": "named"}
    tables.calls.put_item(Item=item)
    found = ledger.find("named")
    assert found is not None
    assert ledger.reject("named", found.attempt, "an error", "a cause")


JOB_MOVES: Mapping[str, Callable[[Ledger, Call], object]] = {
    "the call comes": lambda ledger, call: ledger.join_call(call, "job-1"),
    "the answer comes": lambda ledger, call: ledger.join_answer("acme", Answer("job-1", True, "succeeded", "{}")),
    "the answer is read": lambda ledger, call: ledger.answer_of_job("acme", "job-1"),
    "the calls are looked up": lambda ledger, call: ledger.calls_of_job("acme", "job-1"),
}


@pytest.mark.parametrize("move", JOB_MOVES.values(), ids=JOB_MOVES)
@pytest.mark.parametrize("first", ["call", "answer"])
def test_a_newer_record_of_a_job_is_neither_read_nor_changed(
    ledger: Ledger, tables: Tables, move: Callable[[Ledger, Call], object], first: str
) -> None:
    call = accepted(ledger)
    JOB_MOVES[f"the {first} comes"](ledger, call)
    lift(tables.jobs, {"job_key": "acme#job-1"})
    [before] = tables.jobs.scan()["Items"]
    with pytest.raises(NewerFormat, match="the record of the job"):
        move(ledger, call)
    assert tables.jobs.scan()["Items"] == [before]


def test_reservations_of_newer_code_are_not_written_over() -> None:
    rule = rule_of([Limit(10, 1, Scope.SUBMIT)], headroom_us=50_000)
    with budgets_table() as table:
        store = DynamoReservationStore(table)
        first, second = (Entry(version, rule, no_reservations(rule)) for version in (1, 2))
        assert store.write("acme#submit", first)
        assert store.read("acme#submit") == first
        lift(table, {"budget": "acme#submit"}, version=None)
        assert store.read("acme#submit") == first
        # Newer code writes: it counts its writes, as every version does.
        assert store.write("acme#submit", second)
        lift(table, {"budget": "acme#submit"})
        before = table.scan()["Items"]
        with pytest.raises(NewerFormat, match="the reservations of a budget"):
            store.read("acme#submit")
        assert store.write("acme#submit", second) is False, "who has read before newer code wrote"
        assert table.scan()["Items"] == before


def test_in_flight_permits_of_newer_code_are_left_alone() -> None:
    with budgets_table() as table:
        in_flight = InFlight(DynamoInFlightStore(table), "acme", 3, 60, lambda: 0)
        assert in_flight.acquire("call-1")
        lift(table, {"budget": "acme#in_flight"}, version=None)
        assert in_flight.acquire("call-2")
        lift(table, {"budget": "acme#in_flight"})
        before = table.scan()["Items"]
        with pytest.raises(NewerFormat, match="the in-flight permits"):
            in_flight.acquire("call-3")
        with pytest.raises(NewerFormat):
            in_flight.release("call-1")
        DynamoInFlightStore(table).open("acme#in_flight")
        assert table.scan()["Items"] == before


EVENT: Mapping[str, Any] = {
    FORMAT_VERSION: 2,
    "call_id": CALL_ID,
    "attempt": request_of().attempt,
    "call": place_of().as_document(),
    "vendor": "acme",
    "payload": {"text": "x"},
    "ends_epoch_s": 1_800_000_900,
    "permit": {},
    "origin": asdict(ORIGIN),
}


def requeued(worker: Worker) -> dict[str, Any]:
    [message] = worker.sqs.of("SendMessage")
    assert (message["QueueUrl"], message["MessageGroupId"]) == (ORIGIN.queue_url, ORIGIN.group)
    assert message["DelaySeconds"] == NEWER_FORMAT_REQUEUE_S
    body: dict[str, Any] = json.loads(message["MessageBody"])
    return body


def test_a_call_for_newer_code_is_a_request_again_with_every_field_of_it(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    queued(worker.ledger)
    before = worker.tables.call()
    added = {FORMAT_VERSION: NEWER, "deadline": 5, "payload": ["of", "another", "shape"]}
    report = caller.call({**EVENT, **added}, invocation())
    assert report["outcome"] == "newer"
    kept = {name: EVENT[name] for name in ("vendor", "call", "ends_epoch_s")}
    assert requeued(worker) == {**kept, **added, "task_token": TOKEN}
    assert (worker.tables.call(), worker.vendor.requests) == (before, [])
    assert metrics(capsys.readouterr().out)["FormatsNewer"] == [1.0]


def test_a_call_whose_record_is_for_newer_code_waits_for_it_in_the_queue(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    queued(worker.ledger)
    lift(worker.tables.calls, {"call_id": CALL_ID})
    before = worker.tables.call()
    assert caller.call({**EVENT}, invocation())["outcome"] == "newer"
    again = CallRequest.from_body(json.dumps(requeued(worker)), "acme", TENANT)
    assert (again.call_id, again.attempt, again.waiter) == (CALL_ID, EVENT["attempt"], TOKEN)
    assert (worker.tables.call(), worker.vendor.requests) == (before, [])
    assert metrics(capsys.readouterr().out)["FormatsNewer"] == [1.0]


def test_a_call_whose_claim_check_is_for_newer_code_goes_back_before_the_vendor_is_called(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    queued(worker.ledger)
    payload = {"headway_claim": {FORMAT_VERSION: NEWER, "somewhere": "else"}}
    assert caller.call({**EVENT, "payload": payload}, invocation())["outcome"] == "newer"
    assert requeued(worker)["payload"] == payload
    assert (worker.tables.call()["state"], worker.vendor.requests) == ("dispatching", []), "its lease ends"
    assert metrics(capsys.readouterr().out)["FormatsNewer"] == [1.0]


def test_a_call_that_has_no_record_any_more_is_over(worker: Worker) -> None:
    assert caller.call({**EVENT, FORMAT_VERSION: NEWER}, invocation()) == {"outcome": "duplicate"}
    assert worker.sqs.sent == []


def test_a_newer_callback_goes_back_to_its_queue_with_all_that_came_and_when_it_came(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    record = attributed(str(NEWER))
    assert callbacks.receive({"Records": [record]}, LambdaContext()) == {"batchItemFailures": []}
    [message] = worker.sqs.of("SendMessage")
    assert (message["QueueUrl"], message["MessageBody"]) == ("https://sqs.example/callbacks", record["body"])
    assert message["DelaySeconds"] == NEWER_FORMAT_REQUEUE_S
    came = {name: value["stringValue"] for name, value in record["messageAttributes"].items()}
    sent = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert sent == came | {"received_epoch_s": str(SIGNED_AT.timestamp())}
    assert metrics(capsys.readouterr().out)["FormatsNewer"] == [1.0]


@pytest.mark.parametrize("kept", ["calls", "jobs"])
def test_a_callback_to_a_newer_record_waits_and_resumes_its_task_under_newer_code(worker: Worker, kept: str) -> None:
    joined(worker.ledger)
    table, key = {
        "calls": (worker.tables.calls, {"call_id": CALL_ID}),
        "jobs": (worker.tables.jobs, {"job_key": "acme#job-1"}),
    }[kept]
    lift(table, key)
    record = callback_record(SUCCEEDED, signed(SUCCEEDED))
    assert callbacks.receive({"Records": [record]}, LambdaContext()) == {"batchItemFailures": []}
    assert (len(worker.sqs.of("SendMessage")), worker.step_functions.sent) == (1, [])
    lift(table, key, version=2)
    callbacks.receive({"Records": [record]}, LambdaContext())
    assert [sent["taskToken"] for sent in worker.step_functions.of("SendTaskSuccess")] == [TOKEN]


@pytest.mark.parametrize("newer", ["the check", "the record"])
def test_a_check_for_newer_code_waits_for_it_as_it_came(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], newer: str
) -> None:
    poll = {"path": "/v1/jobs/{job_id}", "timeout_s": 5, "success": ["succeeded"], "after_s": 60, "every_s": 60}
    worker.profiles.contract = vendor_of({"poll": {**poll, "status": "status"}})
    queued(worker.ledger)
    lift(worker.tables.calls, {"call_id": CALL_ID})
    body = write(Check(CALL_ID, "job-1", 1, 2))
    if newer == "the check":
        body = json.dumps({FORMAT_VERSION: NEWER, "job": 7})
    assert results.find({"Records": [sqs_record(body)]}, LambdaContext()) == {"batchItemFailures": []}
    [message] = worker.sqs.of("SendMessage")
    assert (message["QueueUrl"], message["MessageBody"]) == ("https://sqs.example/results", body)
    assert message["DelaySeconds"] == NEWER_FORMAT_REQUEUE_S
    assert worker.vendor.requests == []
    assert metrics(capsys.readouterr().out)["FormatsNewer"] == [1.0]
