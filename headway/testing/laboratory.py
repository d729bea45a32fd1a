"""What the end-to-end tests stand on: the embedded cloud with the real stacks, and the simulated vendor at its end."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
from headway_cdk.resources import CONFIGURATION

from headway.deployment import local
from headway.deployment.stack import Stack
from headway.deployment.synthesis import ASSEMBLY
from headway.deployment.target import LocalTarget
from headway.simulator.keys import VendorKeys, load_or_create
from headway.simulator.offer import Limit, Offer
from headway.simulator.server import VendorServer
from headway.testing.pipeline import depth, held

VENDOR = "replicate"
PATIENCE_S = 60.0
SOLD = Offer(submit=Limit(10, 1), poll=Limit(50, 1), job_time_s=0.3)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Laboratory:
    """A deployed cloud and a vendor that sells 10 submits a second."""

    state_dir: Path
    target: LocalTarget
    stack: Stack
    vendor: VendorServer
    keys: VendorKeys

    @property
    def lane(self) -> Mapping[str, str]:
        """Return the vendor's resources."""
        return self.stack.vendors[VENDOR]

    def start(self, name: str, payload: Mapping[str, Any]) -> str:
        """Start `call_vendor` and return the execution's ARN."""
        arn: str = self.target.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.workflows["call_vendor"][VENDOR],
            name=name,
            input=json.dumps({"payload": payload}),
        )["executionArn"]
        return arn

    def execution(self, arn: str) -> Mapping[str, Any]:
        """Describe an execution."""
        description: Mapping[str, Any] = self.target.client("stepfunctions").describe_execution(executionArn=arn)
        return description

    def end_of(self, arn: str) -> Mapping[str, Any]:
        """Wait for the end of an execution."""
        return until(lambda: (found := self.execution(arn))["status"] != "RUNNING" and found)

    def record(self, call_id: str) -> Mapping[str, Any]:
        """Return the ledger's record of a call as plain values; empty where there is none."""
        item = self.target.client("dynamodb").get_item(
            TableName=self.stack.calls_table, Key={"call_id": {"S": call_id}}, ConsistentRead=True
        )
        return {name: next(iter(value.values())) for name, value in item.get("Item", {}).items()}

    def reserve(self) -> Mapping[str, Any]:
        """Return the reservations of the vendor's submits as it is stored: `version`, `rule` and `reserve`."""
        item = self.target.client("dynamodb").get_item(
            TableName=self.stack.budgets_table,
            Key={"budget": {"S": f"{VENDOR}#submit"}},
            ConsistentRead=True,
        )["Item"]
        return {
            "version": int(item["version"]["N"]),
            **{name: json.loads(item[name]["S"]) for name in ("rule", "reservations")},
        }

    def seen_by_vendor(self) -> Mapping[str, Any]:
        """Return the vendor's own report, with the arrival of every call."""
        report: Mapping[str, Any] = httpx.get(f"{self.vendor.url}/_headway/report", params={"arrivals": 1}).json()
        return report

    def messages(self, queue_url: str) -> list[Mapping[str, Any]]:
        """Look at the messages of a queue without taking them: they are visible again at once.

        Each look counts as a receive; before a queue with a DLQ is looked at, wait by `depth`.
        """
        answer = self.target.client("sqs").receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        messages: list[Mapping[str, Any]] = answer.get("Messages", [])
        return messages

    def depth(self, queue_url: str) -> int:
        """Count the visible messages of a queue without receiving any."""
        return depth(self.target.client("sqs"), queue_url)

    def held(self, function: str) -> AbstractContextManager[None]:
        """Hold a function's event source mappings, so that its queues can be looked at."""
        return held(self.target.client("lambda"), function)


def until(look: Callable[[], T | bool | None], patience_s: float = PATIENCE_S) -> T:
    """Look again and again until there is something; AssertionError when patience ends."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found  # type: ignore[return-value]
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@contextmanager
def laboratory(
    state_dir: Path, configuration: Path = CONFIGURATION, assembly: Path = ASSEMBLY, offer: Offer = SOLD
) -> Iterator[Laboratory]:
    """Build the laboratory and leave nothing of it behind; the vendor has the keys of the state directory."""
    keys = load_or_create(state_dir, VENDOR)
    with VendorServer(replace(offer, keys=keys)) as vendor:
        try:
            cloud, stack = local.up(state_dir, {VENDOR: vendor.url}, configuration=configuration, assembly=assembly)
            yield Laboratory(state_dir, LocalTarget(cloud.endpoint_url), stack, vendor, keys)
        finally:
            local.down(state_dir)
