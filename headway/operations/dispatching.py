"""Whether a lane's calls are dispatched: paused, resumed, drained.

A parameter says what is wanted, and every deployment of the lane asks it; the event source mappings, or the schedule,
are changed beside it, so that it holds now. A message that nobody receives spends none of its receives.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headway_cdk.names import DISPATCHING_PARAMETER, Dispatching, parameter
from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.vendor import Vendor

from headway.deployment.connection import Connection
from headway.deployment.queues import QueueAttribute, message_count
from headway.errors import NotDeployed, NotReachable
from headway.operations.forecasts import Backlog, PauseForecast, backlog_of
from headway.operations.tuning_change import waiting
from headway.operations.tunings import asking, contract_in_force, in_force, lane_known

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

LOOK_S: Final = 1.0
SETTLE_PATIENCE_S: Final = 180.0
"""The longest that a mapping may take to be disabled: Lambda's pollers end what they have received."""
MOST_COUNTED: Final = 1_000
"""Executions that are counted at most, of each machine: one page of ListExecutions."""


@dataclass(frozen=True, slots=True)
class InTheLane:
    """What of a lane has not ended: messages, and executions of machines that call the vendor (MOST_COUNTED each at
    most).
    """

    waiting_count: int
    taken_count: int
    results_count: int
    executions_count: int

    @property
    def is_empty(self) -> bool:
        """Whether a deployment meets nothing that was begun before it."""
        return not (self.waiting_count or self.taken_count or self.results_count or self.executions_count)

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"{self.waiting_count:,} wait, {self.taken_count:,} are taken, {self.results_count:,} results due,"
            f" {self.executions_count:,} executions run"
        )


def state_of(connection: Connection, vendor: str) -> Dispatching:
    """Return what is wanted of a lane. Raises NotDeployed where its state stack is older than that."""
    lane_known(connection, vendor)
    name = parameter(connection.stage.name, vendor, DISPATCHING_PARAMETER)
    with asking():
        found = connection.target.client("ssm").get_parameters(Names=[name])["Parameters"]
    if not found:
        raise NotDeployed(f"the lane of {vendor} cannot be paused: deploy it with this version of Headway")
    return Dispatching(found[0]["Value"])


def forecast(connection: Connection, vendor: str) -> PauseForecast:
    """Return what a pause would cost: how many calls wait, and within which time they reach their deadlines."""
    contract = Vendor.from_document(contract_in_force(connection, vendor))
    with asking():
        return PauseForecast(waiting(connection, vendor), contract.call_heartbeat_s)


def backlog(connection: Connection, vendor: str) -> Backlog:
    """Return how long what waits takes at the tuning in force."""
    contract = Vendor.from_document(contract_in_force(connection, vendor))
    rate_per_s = in_force(connection, vendor)["rate_per_s"]
    with asking():
        return backlog_of(contract, waiting(connection, vendor), rate_per_s)


def put(
    connection: Connection,
    vendor: str,
    wanted: Dispatching,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock_s: Callable[[], float] = time.monotonic,
) -> None:
    """Make a lane OPEN, DRAINING or PAUSED, and wait until its mappings are so.

    The parameter comes first: a deployment that begins meanwhile wants the same. It may be repeated.
    """
    state_of(connection, vendor)
    contract = Vendor.from_document(contract_in_force(connection, vendor))
    name = parameter(connection.stage.name, vendor, DISPATCHING_PARAMETER)
    runs = wanted is not Dispatching.PAUSED
    with asking():
        connection.target.client("ssm").put_parameter(Name=name, Value=wanted, Type="String", Overwrite=True)
        if contract.dispatch.trigger is Trigger.SCHEDULE:
            _switch_schedules(connection, vendor, enabled=runs)
        else:
            _switch_mappings(
                connection, vendor, enabled=runs, until_s=clock_s() + SETTLE_PATIENCE_S, sleep=sleep, clock_s=clock_s
            )


def in_the_lane(connection: Connection, vendor: str) -> InTheLane:
    """Count what of a lane has not ended."""
    lane_known(connection, vendor)
    lane, every = connection.stage.lanes[vendor], tuple(QueueAttribute)
    with asking():
        machines = [lane.call_vendor_machine_arn]
        machines += [one.arn for one in connection.stage.workflows.values() if vendor in one.vendors]
        return InTheLane(
            waiting(connection, vendor),
            sum(message_count(connection, url, QueueAttribute.IN_FLIGHT) for url in lane.request_queue_urls),
            message_count(connection, lane.results_queue_url, *every),
            sum(_running(connection, arn) for arn in machines),
        )


def _running(connection: Connection, machine_arn: str) -> int:
    client = connection.target.client("stepfunctions")
    page = client.list_executions(stateMachineArn=machine_arn, statusFilter="RUNNING", maxResults=MOST_COUNTED)
    return len(page["executions"])


def _mappings(client: "LambdaClient", function: str) -> Iterator[Mapping[str, Any]]:
    """Yield the event source mappings of a function, and of its alias where Lambda polls for that."""
    for name in (function, f"{function}:live"):
        try:
            pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=name)
            yield from (mapping for page in pages for mapping in page["EventSourceMappings"])
        except client.exceptions.ResourceNotFoundException:
            continue


def _switch_mappings(
    connection: Connection,
    vendor: str,
    *,
    enabled: bool,
    until_s: float,
    sleep: Callable[[float], None],
    clock_s: Callable[[], float],
) -> None:
    client: LambdaClient = connection.target.client("lambda")
    uuids = {str(one["UUID"]) for one in _mappings(client, connection.stage.lanes[vendor].dispatcher_function)}
    if not uuids:
        raise NotDeployed(f"the dispatcher of {vendor} polls no queue: deploy its lane")
    for uuid in sorted(uuids):
        client.update_event_source_mapping(UUID=uuid, Enabled=enabled)
    wanted = "Enabled" if enabled else "Disabled"
    while any(client.get_event_source_mapping(UUID=uuid)["State"] != wanted for uuid in uuids):
        if clock_s() >= until_s:
            raise NotReachable(f"a mapping of {vendor} is not {wanted} yet: run the command again")
        sleep(LOOK_S)


def _switch_schedules(connection: Connection, vendor: str, *, enabled: bool) -> None:
    client = connection.target.client("scheduler")
    function = connection.stage.lanes[vendor].dispatcher_function
    for page in client.get_paginator("list_schedules").paginate():
        for one in page["Schedules"]:
            if not one["Target"]["Arn"].endswith(f":function:{function}"):
                continue
            whole: Any = client.get_schedule(Name=one["Name"], GroupName=one["GroupName"])
            # UpdateSchedule sets what is left out to its default.
            fields = (
                "Name",
                "GroupName",
                "Description",
                "ScheduleExpression",
                "FlexibleTimeWindow",
                "Target",
            )
            kept = {name: whole[name] for name in fields if name in whole}
            client.update_schedule(**kept, State="ENABLED" if enabled else "DISABLED")
