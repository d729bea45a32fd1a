"""What end-to-end tests, benchmarks and the demo stand on: the embedded cloud with the real stacks, simulated vendors
at the end of its lanes, and ways to look at what happens between them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from headway_cdk.project import Project, bare
from headway_cdk.published import PublishedLane
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract.limits import Scope
from headway_lane.ledger.record import CallAttribute
from headway_lane.limiter.budget_name import budget_name
from headway_lane.limiter.reservation_store import BudgetAttribute
from headway_lane.messages.identity import asked_by_call_vendor, call_id_of, group_of

from headway.cloud.routes import IAM_ROUTE
from headway.deployment import local
from headway.deployment.connection import Connection
from headway.deployment.contracts import vendor_files
from headway.deployment.places import ASSEMBLY
from headway.deployment.queues import QueueAttribute, message_count
from headway.deployment.stage import CALL_VENDOR, DeployedStage
from headway.deployment.target import Target
from headway.simulator.offer import Offer
from headway.testing import executions
from headway.testing.lab_vendor import LabVendor, in_thread
from headway.testing.waiting import until

WORKFLOW: Final = CALL_VENDOR
VENDOR: Final = "replicate"
EXAMPLE: Final = bare(EXAMPLE_CONFIGURATION)
"""The example's vendor, without its machines."""
SOLD: Final = Offer(job_time_s=0.3)
_NO_DECISIONS: Final[Mapping[str, Sequence[Mapping[str, str]]]] = {"allowed": (), "denied": ()}

Item = Mapping[str, str]
"""An item of a table: attributes by name; numbers are texts, as DynamoDB writes them."""


@dataclass(frozen=True, slots=True)
class CallbackPlaces:
    """What a callback passes through in the lane of a vendor that calls back."""

    url: str
    queue_url: str
    dlq_url: str
    function: str


@dataclass(frozen=True, slots=True)
class Laboratory:
    """A deployed configuration and its vendors by name. What asks for a vendor's name takes the only one without it."""

    connection: Connection
    state_dir: Path
    project: Project
    vendors: Mapping[str, LabVendor]

    @property
    def target(self) -> Target:
        """The way to the cloud's API."""
        return self.connection.target

    @property
    def stage(self) -> DeployedStage:
        """What is deployed."""
        return self.connection.stage

    @property
    def contracts(self) -> Mapping[str, Mapping[str, Any]]:
        """The contract documents, by vendor."""
        return {
            name: files.contract for name, files in vendor_files(self.project.configuration, self.project.stage).items()
        }

    @property
    def vendor(self) -> LabVendor:
        """The only vendor."""
        return self.vendors[self._name(None)]

    @property
    def lane(self) -> PublishedLane:
        """The only vendor's resources."""
        return self.lane_of(None)

    def lane_of(self, vendor_name: str | None) -> PublishedLane:
        """Return a vendor's resources."""
        return self.stage.lanes[self._name(vendor_name)]

    def callbacks_of(self, vendor_name: str | None) -> CallbackPlaces:
        """Return where a vendor's callbacks pass through; ValueError where it does not call back."""
        lane = self.lane_of(vendor_name)
        places = (lane.callback_url, lane.callback_queue_url, lane.callback_dlq_url, lane.callback_function)
        there = [place for place in places if place is not None]
        if len(there) < len(places):
            raise ValueError(f"{self._name(vendor_name)} does not call back")
        return CallbackPlaces(*there)

    @property
    def callbacks(self) -> CallbackPlaces:
        """Where the only vendor's callbacks pass through."""
        return self.callbacks_of(None)

    def start(self, name: str, payload: Mapping[str, Any], vendor_name: str | None = None) -> str:
        """Start the workflow for one payload and return the execution's ARN."""
        return self.start_all({name: {"payload": payload}}, vendor_name)[0]

    def start_all(self, inputs: Mapping[str, Mapping[str, Any]], vendor_name: str | None = None) -> Sequence[str]:
        """Start one execution per name, with its input, several at a time; return their ARNs in that order."""
        return executions.start_all(self.target, self.lane_of(vendor_name).call_vendor_machine_arn, inputs)

    def execution(self, arn: str) -> Mapping[str, Any]:
        """Describe an execution."""
        return executions.described(self.target, arn)

    def end_of(self, arn: str) -> Mapping[str, Any]:
        """Wait for the end of an execution."""
        return until(lambda: (found := self.execution(arn))["status"] != "RUNNING" and found)

    def ends_of(self, arns: Sequence[str], pause_s: float = 0.2) -> dict[str, int]:
        """Wait until all executions have ended, looking every `pause_s` seconds, and count them by their status."""
        return executions.ends_of(self.target, arns, pause_s)

    def last_dispatch(self) -> Mapping[str, Any]:
        """Describe the last execution of the only vendor's `dispatch_call`; AWS lists none of Express workflows."""
        client = self.target.client("stepfunctions")
        found = client.list_executions(stateMachineArn=self.lane.dispatch_machine_arn)["executions"]
        return self.execution(max(found, key=lambda execution: execution["startDate"])["executionArn"])

    def call_id(self, name: str, vendor_name: str | None = None) -> str:
        """Return the call of an execution of `call_vendor` that was started by a name, for no tenant."""
        machine_arn = self.lane_of(vendor_name).call_vendor_machine_arn
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
        return call_id_of(asked_by_call_vendor(arn), group_of(None, machine_arn.rpartition(":")[2]))

    def record(self, name: str, vendor_name: str | None = None) -> Item:
        """Return the ledger's record of such a call; empty where there is none."""
        table = self.lane_of(vendor_name).calls_table
        return self._item(table, CallAttribute.CALL_ID, self.call_id(name, vendor_name))

    def records(self, table: str) -> list[Item]:
        """Return all items of a table."""
        pages = self.target.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [_plain(item) for page in pages for item in page["Items"]]

    def reservations(self, scope: Scope = Scope.SUBMIT) -> Mapping[str, Any]:
        """Return the reservations of the only vendor's scope as they are stored: `version`, `rule`, `reservations`."""
        item = self._item(self.lane.budgets_table, BudgetAttribute.BUDGET, budget_name(self._name(None), scope))
        documents = (BudgetAttribute.RULE, BudgetAttribute.RESERVATIONS)
        return {"version": int(item[BudgetAttribute.VERSION]), **{name: json.loads(item[name]) for name in documents}}

    def reservations_written_count(self, scope: Scope = Scope.SUBMIT) -> int:
        """Count how often they were written; plain pacing never does."""
        item = self._item(self.lane.budgets_table, BudgetAttribute.BUDGET, budget_name(self._name(None), scope))
        return int(item.get(BudgetAttribute.VERSION, 0))

    def headroom_us(self, scope: Scope = Scope.SUBMIT) -> int:
        """Return the headroom that permits are reserved under; 0 where none is."""
        item = self._item(self.lane.budgets_table, BudgetAttribute.BUDGET, budget_name(self._name(None), scope))
        return int(json.loads(item[BudgetAttribute.RULE])["headroom_us"]) if item else 0

    def messages(self, queue_url: str) -> list[Mapping[str, Any]]:
        """Look at the messages of a queue without taking them: they are visible again at once.

        Each look counts as a receive; before a queue with a DLQ is looked at, wait by `depth`.
        """
        answer = self.target.client("sqs").receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            WaitTimeSeconds=1,  # else it may see a part
            MessageAttributeNames=["All"],
        )
        messages: list[Mapping[str, Any]] = answer.get("Messages", [])
        return messages

    def depth(self, queue_url: str) -> int:
        """Count the visible messages of a queue without receiving any."""
        return message_count(self.connection, queue_url)

    def backlog(self, queue_url: str) -> int:
        """Count all messages of a queue: those to be had, those put off, and those in flight."""
        return message_count(self.connection, queue_url, *QueueAttribute)

    def denials(self) -> Sequence[Mapping[str, str]]:
        """Return what IAM has denied since the start: `principal`, `action`, `resource`, `reason`."""
        return iam_decisions(self.connection)["denied"]

    def held(self, function: str) -> AbstractContextManager[None]:
        """Hold a function's event source mappings, so that its queues can be looked at."""
        return executions.mappings_held(self.target, function)

    def _name(self, given: str | None) -> str:
        if given is not None:
            return given
        [name] = self.vendors
        return name

    def _item(self, table: str, key: str, value: str) -> Item:
        answer = self.target.client("dynamodb").get_item(TableName=table, Key={key: {"S": value}}, ConsistentRead=True)
        return _plain(answer.get("Item", {}))


def iam_decisions(connection: Connection) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """Return what IAM has `allowed` and `denied` on the embedded cloud; empty where it is lenient there."""
    answer = httpx.get(f"{connection.endpoint_url}{IAM_ROUTE}")
    decisions: Mapping[str, Sequence[Mapping[str, str]]] = answer.json() if answer.is_success else _NO_DECISIONS
    return decisions


@contextmanager
def deployed(
    state_dir: Path,
    vendors: Sequence[LabVendor],
    *,
    project: Project = EXAMPLE,
    assembly: Path = ASSEMBLY,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Laboratory]:
    """Deploy a project with its vendors at the ends of its lanes, and take the cloud down afterwards."""
    urls = {vendor.name: vendor.url for vendor in vendors}
    try:
        connection = local.up(project, urls, state_dir=state_dir, assembly=assembly, progress=progress)
        for vendor in vendors:
            if url := connection.stage.lanes[vendor.name].callback_url:
                vendor.call_back_at(url)
        yield Laboratory(connection, state_dir, project, {vendor.name: vendor for vendor in vendors})
    finally:
        local.down(state_dir)


@contextmanager
def laboratory(
    state_dir: Path,
    *,
    offer: Offer = SOLD,
    project: Project = EXAMPLE,
    assembly: Path = ASSEMBLY,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Laboratory]:
    """Deploy a project of `replicate` alone, whose vendor sells 10 submits a second unless told otherwise."""
    with (
        in_thread(state_dir, VENDOR, offer) as vendor,
        deployed(state_dir, [vendor], project=project, assembly=assembly, progress=progress) as built,
    ):
        yield built


def _plain(item: Mapping[str, Mapping[str, str]]) -> Item:
    """Return an item without its types."""
    return {name: next(iter(value.values())) for name, value in item.items()}
