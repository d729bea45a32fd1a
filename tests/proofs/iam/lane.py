"""One vendor's lane in the hands of the proof: what its scenarios do with it, and see of it."""

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Final, Self

import httpx
from botocore.exceptions import ClientError
from headway_cdk.published import PublishedLane
from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import CallAttribute, JobAttribute, job_key
from headway_lane.limiter.reservation_store import BudgetAttribute
from headway_lane.messages.claim import Claim, requests_folder

from headway.deployment.queues import QueueAttribute, message_count
from headway.simulator.composed_event import compose
from headway.simulator.signed_callback import write
from headway.testing.lab_vendor import LabVendor
from headway.testing.laboratory import Laboratory
from tests.proofs.iam.scenario import until

PREFIX: Final = "proof-"
"""Of what is the proof's own: calls, and schedules."""
_numbers = count()


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane, and the vendor at its end. Where a schedule drains the queues, whoever looks at a call drains them."""

    lab: Laboratory
    contract: Vendor

    @classmethod
    def of(cls, lab: Laboratory, vendor_name: str) -> Self:
        """Take a vendor's lane."""
        return cls(lab, Vendor.from_document(lab.contracts[vendor_name]))

    @property
    def name(self) -> str:
        """The vendor's name."""
        return self.contract.name

    @property
    def published(self) -> PublishedLane:
        """What is deployed."""
        return self.lab.stage.lanes[self.name]

    @property
    def vendor(self) -> LabVendor:
        """The simulated vendor."""
        return self.lab.vendors[self.name]

    def client(self, service: str) -> Any:
        """Return a client of the account's own."""
        return self.lab.target.client(service)

    def let_vendor(self, *, failing: bool = False, **faults: Any) -> None:
        """Let the vendor forget everything, and behave so from now on."""
        self.vendor.reset()
        self.vendor.switch(no_failures=not failing, **faults)

    def start(self, **more: Any) -> str:
        """Start one call and return the name of its execution."""
        name = f"{PREFIX}{next(_numbers)}"
        self.lab.start_all({name: {"payload": {"prompt": name}, **more}}, self.name)
        return name

    def execution_arn(self, name: str) -> str:
        """Return the ARN of an execution."""
        return f"{self.published.call_vendor_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def ended(self, name: str, status: str) -> bool:
        """Return whether the execution of a call has ended so; AssertionError where it has ended otherwise."""
        self.drain()
        found = self.lab.execution(self.execution_arn(name))["status"]
        assert found in ("RUNNING", status), f"{name} has {found}"
        return bool(found == status)

    def record(self, name: str) -> Mapping[str, str]:
        """Return the ledger's record of a call; empty where there is none."""
        self.drain()
        return self.lab.record(name, self.name)

    def joined_job(self, name: str) -> str:
        """Return the job ID of a call, once its callbacks find the call; empty before."""
        job_id = self.record(name).get(CallAttribute.JOB_ID, "")
        key = {JobAttribute.JOB_KEY: {"S": job_key(self.name, job_id)}}
        job = self.client("dynamodb").get_item(TableName=self.published.jobs_table, Key=key).get("Item", {})
        return job_id if JobAttribute.CALL_IDS in job else ""

    def delayed_count(self, queue_url: str) -> int:
        """Count the messages of a queue that are to be had later."""
        self.drain()
        return message_count(self.lab.connection, queue_url, QueueAttribute.DELAYED)

    def drain(self) -> None:
        """Do what the schedule does, where there is one: take a batch, once there is something."""
        if self.contract.dispatch.trigger is not Trigger.SCHEDULE:
            return
        if any(self.lab.depth(url) for url in self.published.request_queue_urls):
            self.client("lambda").invoke(
                FunctionName=self.published.dispatcher_function, Payload=json.dumps({"batch_size": 10})
            )

    def schedule(self) -> dict[str, Any]:
        """Return the schedule that starts the dispatcher, as it is changed by."""
        scheduler, dispatcher = self.client("scheduler"), f":{self.published.dispatcher_function}"
        names = [each["Name"] for each in scheduler.list_schedules()["Schedules"]]
        found = [scheduler.get_schedule(Name=name) for name in names if not name.startswith(PREFIX)]
        [ours] = [each for each in found if each["Target"]["Arn"].endswith(dispatcher)]
        return {name: ours[name] for name in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}

    def quieten(self) -> None:
        """Stop what happens by itself, so that only a scenario makes something happen."""
        if self.contract.dispatch.trigger is Trigger.SCHEDULE:
            self.client("scheduler").update_schedule(**self.schedule(), State="DISABLED")

    @contextmanager
    def broken_caller(self) -> Iterator[None]:
        """Let the caller not be run."""
        change = partial(
            self.client("lambda").update_function_configuration, FunctionName=self.published.caller_function
        )
        handler = self.client("lambda").get_function_configuration(FunctionName=self.published.caller_function)[
            "Handler"
        ]
        change(Handler="nowhere.nothing")
        try:
            yield
        finally:
            change(Handler=handler)

    def taken(self, url: str) -> Generator[None, None, Mapping[str, Any]]:
        """Take the next message out of a queue, and return what it says."""
        sqs = self.client("sqs")
        [message] = yield from until(
            lambda: sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=1, MessageSystemAttributeNames=["MessageGroupId"]
            ).get("Messages")
        )
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        body: Mapping[str, Any] = json.loads(message["Body"])
        return body

    def send(self, url: str, body: Mapping[str, Any]) -> None:
        """Send a message as `call_vendor` does, where it is of no tenant."""
        group = self.published.call_vendor_machine_arn.rpartition(":")[2]
        self.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageGroupId=group)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let requests wait in their queues."""
        if self.contract.dispatch.trigger is Trigger.SCHEDULE:
            yield
            return
        with self.lab.held(self.published.dispatcher_function):
            yield

    def call_back(self, job_id: str, word: str | None, **more: Any) -> None:
        """Call back in the vendor's name, with more in the event than the contract asks for."""
        callback, url = self.contract.callbacks(), self.lab.callbacks_of(self.name).url
        event = {**compose(self.contract, job_id, word, {}), **more}
        key = self.vendor.keys.webhook_key(callback.verification)
        signed = write(callback, key, f"msg_{job_id}_{word}", event, url, datetime.now(tz=UTC))
        httpx.post(url, content=signed.content, headers=dict(signed.headers)).raise_for_status()

    def laid_down(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Lay a payload down as whoever starts calls does, and return its claim check."""
        body = json.dumps(payload).encode()
        claim = Claim.on(body, self.published.claims_bucket, requests_folder(self.name))
        self.client("s3").put_object(Bucket=claim.bucket, Key=claim.key, Body=body)
        return claim.pointer()

    def tidy(self) -> None:
        """Leave nothing to the next scenario: no call, message, job, cool-down or in-flight permit."""
        states, dynamodb, lane = self.client("stepfunctions"), self.client("dynamodb"), self.published
        running = states.list_executions(stateMachineArn=lane.call_vendor_machine_arn, statusFilter="RUNNING")
        for found in running["executions"]:
            with suppress(ClientError):  # it has ended meanwhile
                states.stop_execution(executionArn=found["executionArn"])
        for url in (*lane.request_queue_urls, lane.results_queue_url, lane.callback_queue_url):
            if url:
                self.client("sqs").purge_queue(QueueUrl=url)
        for budget in self.lab.records(lane.budgets_table):
            key = {BudgetAttribute.BUDGET: {"S": budget[BudgetAttribute.BUDGET]}}
            dynamodb.delete_item(TableName=lane.budgets_table, Key=key)
        self.vendor.reset()
