"""What AWS does for a lane beside its calls: it checks roles when things are made, and runs schedules."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError
from headway_lane.contract.dispatch import Trigger

from tests.proofs.iam.lane import Lane
from tests.proofs.iam.scenario import Scenario, Steps, until

LOGGED: Final[Any] = {
    "level": "ALL",
    "includeExecutionData": False,
    "destinations": [
        {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:proof:*"}}
    ],
}
"""The emulator tells a machine's log in other words than those that it takes, so it is said anew."""


def scenarios(lane: Lane) -> Iterator[Scenario]:
    """Yield those that the lane's way of draining has."""
    yield Scenario(lane.name, "the machines are changed", partial(changed, lane))
    if lane.contract.dispatch.trigger is Trigger.SCHEDULE:
        yield Scenario(lane.name, "the schedule starts the drain", partial(scheduled, lane))
        yield Scenario(lane.name, "the queue is attached anew", partial(attached, lane))


def changed(lane: Lane) -> Steps:
    """Change the machines: AWS checks that they may write their logs."""
    update = lane.client("stepfunctions").update_state_machine
    for machine in (lane.published.call_vendor_machine_arn, lane.published.dispatch_machine_arn):
        _allowed(update, stateMachineArn=machine, loggingConfiguration=LOGGED)
    yield


def scheduled(lane: Lane) -> Steps:
    """Let a second schedule do once, now, what the deployed one does every minute: it takes a request."""
    lane.let_vendor()
    call_id = lane.start()
    lane.client("scheduler").create_schedule(
        Name=call_id,
        ScheduleExpression=f"at({datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=lane.schedule()["Target"],
    )
    yield from until(lambda: lane.lab.record(call_id, lane.name))


def attached(lane: Lane) -> Steps:
    """Attach the dispatcher to its queue anew: AWS checks that it may poll, though nothing is polled."""
    lambda_, function = lane.client("lambda"), lane.published.dispatcher_function
    for mapping in lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
        lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
    queue = lane.client("sqs").get_queue_attributes(
        QueueUrl=lane.published.request_queue_url, AttributeNames=["QueueArn"]
    )
    arn = queue["Attributes"]["QueueArn"]
    _allowed(lambda_.create_event_source_mapping, FunctionName=function, EventSourceArn=arn, Enabled=False)
    yield


def _allowed(act: Any, **arguments: Any) -> None:
    """Act; AssertionError where AWS refuses it."""
    try:
        act(**arguments)
    except ClientError as error:
        raise AssertionError(str(error)) from error
