"""Calls whose ends are hard to come by: too late, expired, rejected, rejected at the second attempt."""

from collections.abc import Iterator
from functools import partial

from headway_lane.ledger.record import CallAttribute, CallState
from headway_lane.messages.claim import Claim, requests_folder
from headway_lane.runtime.aws import AWS_ATTEMPTS

from headway.cloud.faults import Fault, Kind
from headway.testing.faults import faults
from tests.proofs.iam.lane import Lane
from tests.proofs.iam.scenario import Scenario, Steps, until
from tests.proofs.iam.scenarios.calls import BADLY, WELL


def scenarios(lane: Lane) -> Iterator[Scenario]:
    """Yield all of them; the direct way takes nobody's late answer."""
    if not lane.contract.dispatch.direct:
        yield Scenario(lane.name, "an answer is too late, and the call is repeated", partial(late, lane))
    yield Scenario(lane.name, "a call expires", partial(expired, lane))
    yield Scenario(lane.name, "a call is rejected", partial(rejected, lane))
    yield Scenario(lane.name, "a rejection breaks off", partial(broken_off, lane))


def late(lane: Lane) -> Steps:
    """Repeat a call of which the ledger says that its answer came too late: in truth that takes a whole timeout."""
    lane.let_vendor()
    first = lane.start()
    yield from until(lambda: lane.ended(first, WELL))
    lane.client("dynamodb").update_item(
        TableName=lane.published.calls_table,
        Key={CallAttribute.CALL_ID: {"S": first}},
        UpdateExpression="SET #state = :late",
        ExpressionAttributeNames={"#state": CallAttribute.STATE},
        ExpressionAttributeValues={":late": {"S": CallState.LATE}},
    )
    second = lane.start(predecessor=first)
    yield from until(lambda: lane.ended(second, WELL))


def expired(lane: Lane) -> Steps:
    """Let a task miss its heartbeat, by saying so: the shortest that a contract can have is half a minute."""
    lane.let_vendor(lost_callbacks=True)
    call_id = lane.start()
    yield from until(lambda: lane.record(call_id).get(CallAttribute.STATE) == CallState.ACCEPTED)
    token = lane.record(call_id)[CallAttribute.WAITER]
    lane.client("stepfunctions").send_task_failure(taskToken=token, error="States.HeartbeatTimeout")
    yield from until(lambda: lane.ended(call_id, BADLY))
    assert lane.record(call_id)[CallAttribute.STATE] == CallState.EXPIRED


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
