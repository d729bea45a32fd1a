"""What happens to calls, in a few seconds each: a scenario begins something, and can be asked whether it went well."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import ClientError
from headway_cdk.published import PublishedLane
from headway_lane.contract.dispatch import Drain
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import CallAttribute, CallState

from headway.testing.laboratory import WORKFLOW, Laboratory
from headway.testing.waiting import until
from tests.command_line import lines, records

BIG_BYTES = 300 * 1_024
LOGGED: Any = {
    "level": "ALL",
    "includeExecutionData": False,
    "destinations": [
        {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:proof:*"}}
    ],
}
"""The emulator tells a machine's log in other words than those that it takes, so it is said anew."""
_numbers = count()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`begin` starts it, within a context that tidies up, and yields what says whether it went well."""

    name: str
    begin: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Lane:
    """One vendor's lane, and what can happen on it."""

    lab: Laboratory
    vendor_name: str
    folder: Path

    @property
    def lane(self) -> PublishedLane:
        return self.lab.stage.lanes[self.vendor_name]

    @property
    def queue_urls(self) -> list[str]:
        """The urgent one first."""
        return [url for url in (self.lane.urgent_queue_url, self.lane.request_queue_url) if url]

    def scenarios(self) -> list[Scenario]:
        """Return all that can happen here."""
        can = self.lab.contracts[self.vendor_name]
        found = [
            ("calls end well", self.calls()),
            ("some jobs fail", self.calls(count_of_calls=4, no_failures=False)),
            ("answers are early", self.calls(early_callbacks=True)),
            ("answers are early, and bad", self.calls(count_of_calls=4, no_failures=False, early_callbacks=True)),
            ("a request comes twice", self.doubled),
            ("callbacks come twice", self.calls(duplicate_callbacks=True)),
            ("the vendor is down", self.calls(wanted="FAILED", down=True)),
            ("the vendor refuses for a while", self.calls(refuse_next=1)),
            ("an answer is too late, and the call is repeated", self.late),
            ("a payload and a result are large", self.large),
            ("the drain takes a call", self.drained()),
            ("the drain takes a malformed call", self.drained(malformed=True)),
            ("a call is malformed", self.malformed),
            ("the machines are changed", self.changed),
            ("a callback is forged", self.forged),
        ]
        if "path" in can["result"]:
            found.append(("the vendor is down when the result is fetched", self.held_back))
        if len(self.queue_urls) > 1:
            found += [
                ("calls are urgent", self.calls(urgent=True)),
                ("the vendor refuses urgent calls for a while", self.calls(urgent=True, refuse_next=1)),
                ("the drain takes an urgent call", self.drained(urgent=True)),
            ]
        if Vendor.from_document(can).dispatch.drain is Drain.SCHEDULE:
            found.append(("the schedule starts the drain", self.scheduled))
        if "poll" in can:
            found += [
                ("callbacks are lost", self.calls(count_of_calls=4, no_failures=False, lost_callbacks=True)),
                ("jobs are lost", self.calls(wanted="FAILED", lost_callbacks=True, lost_jobs=True)),
            ]
        return [Scenario(f"{self.vendor_name}: {name}", begin) for name, begin in found]

    def calls(
        self,
        *,
        wanted: str = "",
        urgent: bool = False,
        count_of_calls: int = 1,
        no_failures: bool = True,
        **faults: Any,
    ) -> Callable[[], Any]:
        @contextmanager
        def begin() -> Iterator[Callable[[], bool]]:
            vendor = self.lab.vendors[self.vendor_name]
            vendor.reset()
            vendor.switch(no_failures=no_failures, **faults)
            ends = wanted or ("SUCCEEDED" if no_failures else "")
            arns = [self.start(urgent=urgent) for _ in range(count_of_calls)]
            yield lambda: self.ended(arns, ends)

        return begin

    @contextmanager
    def late(self) -> Iterator[Callable[[], bool]]:
        self.lab.vendors[self.vendor_name].reset()
        self.lab.vendors[self.vendor_name].switch(no_failures=True)
        arn = self.start()
        name = arn.rpartition(":")[2]
        begun: list[str] = []

        def went_well() -> bool:
            if not begun and self.ended([arn], "SUCCEEDED"):
                self.outdate(name)
                begun.append(self.start(predecessor=name))
            return bool(begun) and self.ended(begun, "SUCCEEDED")

        yield went_well

    @contextmanager
    def large(self) -> Iterator[Callable[[], bool]]:
        self.lab.vendors[self.vendor_name].reset()
        self.lab.vendors[self.vendor_name].switch(no_failures=True)
        words = json.dumps({"payload": {"prompt": "x" * BIG_BYTES}})
        source = lines(self.folder / f"large-{next(_numbers)}.jsonl", words)
        places = ["--state-dir", str(self.lab.state_dir), "--config-dir", str(self.lab.project.configuration)]
        wanted = ["run", WORKFLOW, "--input", str(source), *places, "--vendor", self.vendor_name]
        job = subprocess.Popen(  # noqa: S603 - our own words; its output must not be taken for the proof's
            [sys.executable, "-c", "from headway.cli import main; main()", *wanted, "--no-report", "--quiet"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield lambda: job.poll() is not None and records(source)[1]["outcome"] == "succeeded"
        finally:
            job.terminate()
            job.wait()

    def drained(self, *, urgent: bool = False, malformed: bool = False) -> Callable[[], Any]:
        @contextmanager
        def begin() -> Iterator[Callable[[], bool]]:
            self.lab.vendors[self.vendor_name].reset()
            self.lab.vendors[self.vendor_name].switch(no_failures=True)
            lambda_ = self.lab.target.client("lambda")
            with self.lab.held(self.lane.dispatcher_function):
                arn = self.start(urgent=urgent)
                url = self.queue_urls[0 if urgent else -1]
                until(lambda: self.lab.depth(url) > 0, patience_s=5)
                if malformed:
                    self.spoil(url)
                lambda_.invoke(
                    FunctionName=self.lane.dispatcher_function, Payload=b'{"batch_size": 10}', InvocationType="Event"
                )
                yield lambda: self.ended([arn], "FAILED" if malformed else "SUCCEEDED")

        return begin

    @contextmanager
    def malformed(self) -> Iterator[Callable[[], bool]]:
        with self.lab.held(self.lane.dispatcher_function):
            arn = self.start()
            url = self.queue_urls[-1]
            until(lambda: self.lab.depth(url) > 0, patience_s=5)
            self.spoil(url)
        yield lambda: self.ended([arn], "FAILED")

    @contextmanager
    def doubled(self) -> Iterator[Callable[[], bool]]:
        vendor, sqs, url = self.lab.vendors[self.vendor_name], self.lab.target.client("sqs"), self.queue_urls[-1]
        vendor.reset()
        vendor.switch(no_failures=True)
        with self.lab.held(self.lane.dispatcher_function):
            arn = self.start()
            [message] = until(
                lambda: sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, WaitTimeSeconds=1).get("Messages"),
                patience_s=5,
            )
            sqs.send_message(QueueUrl=url, MessageBody=message["Body"], MessageGroupId="doubled")
        yield lambda: self.ended([arn], "SUCCEEDED") and self.lab.backlog(url) == 0

    @contextmanager
    def held_back(self) -> Iterator[Callable[[], bool]]:
        vendor = self.lab.vendors[self.vendor_name]
        vendor.reset()
        vendor.switch(no_failures=True)
        with self.lab.held(self.lane.results_function):
            arn = self.start()
            until(lambda: self.lab.depth(self.lane.results_queue_url) > 0, patience_s=10)
            vendor.switch(down=True)
        until(lambda: vendor.report().scopes["poll"].call_count > 0, patience_s=10)
        vendor.switch(down=False)
        yield lambda: self.ended([arn], "SUCCEEDED")

    def spoil(self, url: str) -> None:
        """Take a request out of its queue, and send it again without what it is about."""
        sqs = self.lab.target.client("sqs")
        [message] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=1)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        body = {**json.loads(message["Body"]), "payload": "no object", "idempotency_key": 7}
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageGroupId="spoilt")

    @contextmanager
    def scheduled(self) -> Iterator[Callable[[], bool]]:
        scheduler, name = self.lab.target.client("scheduler"), f"proof-{next(_numbers)}"
        deployed = [scheduler.get_schedule(Name=found["Name"]) for found in scheduler.list_schedules()["Schedules"]]
        targets = [found["Target"] for found in deployed]
        [target] = [found for found in targets if found["Arn"].endswith(self.lane.dispatcher_function)]
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="at(2020-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target=target,
        )

        def went_well() -> bool:
            with suppress(scheduler.exceptions.ResourceNotFoundException):
                scheduler.get_schedule(Name=name)
                return False
            return True

        yield went_well

    @contextmanager
    def changed(self) -> Iterator[Callable[[], bool]]:
        states = self.lab.target.client("stepfunctions")
        said = []
        for machine in (self.lane.call_vendor_machine_arn, self.lane.dispatch_machine_arn):
            try:
                states.update_state_machine(stateMachineArn=machine, loggingConfiguration=LOGGED)
            except ClientError as error:
                said.append(str(error))
        yield lambda: not said

    @contextmanager
    def forged(self) -> Iterator[Callable[[], bool]]:
        callbacks = self.lab.callbacks_of(self.vendor_name)
        before = self.lab.depth(callbacks.dlq_url)
        answer = httpx.post(callbacks.url, json={"id": "forged"})
        yield lambda: answer.is_success and self.lab.depth(callbacks.dlq_url) > before

    def outdate(self, call_id: str) -> None:
        """Let the ledger say that the answer came too late: to be so in truth takes a call's whole timeout."""
        self.lab.target.client("dynamodb").update_item(
            TableName=self.lane.calls_table,
            Key={CallAttribute.CALL_ID: {"S": call_id}},
            UpdateExpression="SET #state = :late",
            ExpressionAttributeNames={"#state": CallAttribute.STATE},
            ExpressionAttributeValues={":late": {"S": CallState.LATE}},
        )

    def start(self, **more: Any) -> str:
        """Start one call and return the execution's ARN."""
        name = f"proof-{next(_numbers)}"
        given = {name: {"payload": {"prompt": name}, **more}}
        return self.lab.start_all(given, self.vendor_name)[0]

    def ended(self, arns: list[str], wanted: str) -> bool:
        """Return whether all have ended as wanted; in any way where that is empty."""
        statuses = {self.lab.execution(arn)["status"] for arn in arns}
        return "RUNNING" not in statuses and (not wanted or statuses == {wanted})

    def stop_all(self) -> None:
        """End what a scenario has left running."""
        states = self.lab.target.client("stepfunctions")
        machine = self.lane.call_vendor_machine_arn
        for found in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
            with suppress(ClientError):  # it has ended meanwhile
                states.stop_execution(executionArn=found["executionArn"])
        for url in self.queue_urls:
            self.lab.target.client("sqs").purge_queue(QueueUrl=url)
