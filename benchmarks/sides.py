"""The two sides of a comparison, asked by the same words: Headway's lane and the plain reference."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

from headway.deployment.connection import Connection
from headway.deployment.queues import message_count
from headway.testing import executions
from headway.testing.lab_vendor import LabVendor
from headway.testing.laboratory import Laboratory


@dataclass(frozen=True, slots=True)
class Side:
    """A deployed way to a vendor: the machine that calls it, the queue where calls wait, who empties that."""

    name: str
    connection: Connection
    vendor: LabVendor
    machine_arn: str
    request_queue_url: str
    dispatcher_function: str

    @classmethod
    def of_laboratory(cls, lab: Laboratory) -> Self:
        """Return Headway's, for the only vendor of a laboratory."""
        lane = lab.lane
        return cls(
            "headway",
            lab.connection,
            lab.vendor,
            lane.call_vendor_machine_arn,
            lane.request_queue_url,
            lane.dispatcher_function,
        )

    def start_all(self, inputs: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        """Start one execution per name, with its input; return their ARNs in that order."""
        return executions.start_all(self.connection.target, self.machine_arn, inputs)

    def ends_of(self, arns: Sequence[str], pause_s: float = 0.2) -> Mapping[str, int]:
        """Wait until all executions have ended, and count them by their status."""
        return executions.ends_of(self.connection.target, arns, pause_s)

    def described(self, arn: str) -> Mapping[str, Any]:
        """Describe an execution."""
        return executions.described(self.connection.target, arn)

    def held(self) -> AbstractContextManager[None]:
        """Let calls wait in their queue."""
        return executions.mappings_held(self.connection.target, self.dispatcher_function)

    def waiting_count(self) -> int:
        """Count the calls that wait in the queue."""
        return message_count(self.connection, self.request_queue_url)

    def running_count(self) -> int:
        """Count the executions that have not ended, up to a thousand of them, by one request."""
        return len(self._running_arns())

    def stop_all(self) -> None:
        """Stop the executions that have not ended, up to a thousand of them."""
        client = self.connection.target.client("stepfunctions")
        for arn in self._running_arns():
            client.stop_execution(executionArn=arn)

    def _running_arns(self) -> Sequence[str]:
        client = self.connection.target.client("stepfunctions")
        running = client.list_executions(stateMachineArn=self.machine_arn, statusFilter="RUNNING", maxResults=1_000)
        return [execution["executionArn"] for execution in running["executions"]]
