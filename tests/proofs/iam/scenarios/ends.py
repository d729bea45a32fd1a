"""Calls whose ends are hard to come by: too late, expired, rejected, rejected at the second attempt."""

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Final

from headway_lane.ledger.record import CALL, CallAttribute, CallState
from headway_lane.messages.claim import Claim, requests_folder
from headway_lane.messages.request import REQUEST, CallRequest
from headway_lane.runtime.aws import AWS_ATTEMPTS

from headway.cloud.faults import Fault, Kind
from headway.testing.faults import faults
from tests.proofs.iam.lane import Lane
from tests.proofs.iam.scenario import Scenario, Steps, until
from tests.proofs.iam.scenarios.calls import BADLY, WELL

LONG_JOB_S: Final = 60.0
"""Longer than a scenario takes."""


def scenarios(lane: Lane) -> Iterator[Scenario]:
    """Yield all of them."""
    yield Scenario(lane.name, "an answer is too late, and another attempt takes it", partial(late, lane))
    yield Scenario(lane.name, "a task ends in the queue", partial(expired, lane))
    yield Scenario(lane.name, "a result is gone", partial(gone, lane))
    yield Scenario(lane.name, "a call is rejected", partial(rejected, lane))
    yield Scenario(lane.name, "a rejection breaks off", partial(broken_off, lane))
    if lane.contract.cancel:
        yield Scenario(lane.name, "an execution is stopped while the vendor works", partial(stopped, lane))
    if lane.contract.dispatch.direct:
        yield Scenario(lane.name, "another run is sending the call", partial(sent_elsewhere, lane))


def late(lane: Lane) -> Steps:
    """Repeat a call of which the ledger says that its answer came too late: in truth that takes a whole timeout."""
    lane.let_vendor()
    first = lane.start()
    yield from until(lambda: lane.ended(first, WELL))
    lane.client("dynamodb").update_item(
        TableName=lane.published.calls_table,
        Key={CallAttribute.CALL_ID: {"S": lane.lab.call_id(first, lane.name)}},
        UpdateExpression="SET #state = :late",
        ExpressionAttributeNames={"#state": CallAttribute.STATE},
        ExpressionAttributeValues={":late": {"S": CallState.LATE}},
    )
    second = lane.start(call={"execution": lane.execution_arn(first)})
    yield from until(lambda: lane.ended(second, WELL))


def expired(lane: Lane) -> Steps:
    """Let a task end while its request waits, and say of the request that it would have ended long ago."""
    lane.let_vendor()
    url = lane.published.request_queue_url
    with lane.held():
        name = lane.start()
        request = yield from lane.taken(url)
        lane.client("stepfunctions").stop_execution(executionArn=lane.execution_arn(name))
        lane.send(url, {**request, "ends_epoch_s": 1})
    yield from until(lambda: lane.record(name).get(CallAttribute.STATE) == CallState.EXPIRED)


def gone(lane: Lane) -> Steps:
    """Let a workflow wait for the result of a job that nobody knows."""
    lane.let_vendor()
    url = lane.published.results_queue_url
    with lane.lab.held(lane.published.results_function):
        name = lane.start()
        yield from until(lambda: lane.record(name).get(CallAttribute.STATE) == CallState.ACCEPTED)
        if lane.contract.callback is None:  # its check has to be made
            token = lane.record(name)[CallAttribute.WAITER]
            output = {"call_id": "gone", "job_id": "gone", "status": "succeeded"}
            lane.client("stepfunctions").send_task_success(taskToken=token, output=json.dumps(output))
        fetch = yield from lane.taken(url)
        while fetch.get("kind") != "fetch":
            fetch = yield from lane.taken(url)
        lane.send(url, {**fetch, "job_id": "gone"})
    yield from until(lambda: lane.ended(name, BADLY))


def rejected(lane: Lane) -> Steps:
    """Ask with a claim check on nothing, or the direct way while the vendor is down: the call fails for good, and the
    first way frees its in-flight permit.
    """
    lane.let_vendor(down=True)
    nothing = Claim(lane.published.claims_bucket, f"{requests_folder(lane.name)}/nothing.json", 1)
    call_id = lane.start(payload={} if lane.contract.dispatch.direct else nothing.pointer())
    yield from until(lambda: lane.ended(call_id, BADLY))
    yield from until(lambda: lane.record(call_id).get(CallAttribute.STATE) == CallState.REJECTED)


def broken_off(lane: Lane) -> Steps:
    """Let the settler fail behind its first step, so that its second attempt finds the call rejected already."""
    dlq = lane.published.request_dlq_url.rpartition("/")[2]
    no_dlq = Fault("sqs", Kind.ERROR, "SendMessage", containing=dlq, count=AWS_ATTEMPTS)
    with faults(str(lane.lab.connection.endpoint_url), no_dlq):
        yield from rejected(lane)


def stopped(lane: Lane) -> Steps:
    """Stop an execution whose job the vendor works on: the job is called off."""
    lane.let_vendor(slow_job_s=LONG_JOB_S)
    name = lane.start()
    yield from until(lambda: lane.joined_job(name))
    lane.client("stepfunctions").stop_execution(executionArn=lane.execution_arn(name))
    yield from until(lambda: lane.record(name).get(CallAttribute.STATE) == CallState.CANCELLED)


def sent_elsewhere(lane: Lane) -> Steps:
    """Let `dispatch_call_direct` find that another run of it is sending the call: the settler requeues the request."""
    lane.let_vendor()
    url = lane.published.request_queue_url
    with lane.held():
        lane.start()
        request = CallRequest.from_body(json.dumps((yield from lane.taken(url))), lane.name, "")
        record = {
            CallAttribute.CALL_ID: request.call_id,
            CallAttribute.ATTEMPT: request.attempt,
            CallAttribute.VENDOR: request.vendor,
            CallAttribute.WAITER: request.waiter,
            CallAttribute.STATE: CallState.SENDING,
            CallAttribute.HOLDER: "another run",
        }
        lease = {CallAttribute.LEASE_UNTIL_EPOCH_S: int(time.time() + LONG_JOB_S), **CALL.stamp}
        lane.client("dynamodb").put_item(
            TableName=lane.published.calls_table,
            Item={name: {"S": str(text)} for name, text in record.items()}
            | {name: {"N": str(number)} for name, number in lease.items()},
        )
        found = {
            **REQUEST.stamp,
            "call_id": request.call_id,
            "attempt": request.attempt,
            "call": request.place.as_document(),
            "vendor": request.vendor,
            "payload": request.payload,
            "permit": {},
            "origin": {"queue_url": url, "group": None},
        }
        lane.client("stepfunctions").start_execution(
            stateMachineArn=lane.published.dispatch_machine_arn, input=json.dumps(found)
        )
        yield from until(lambda: lane.delayed_count(url))
