"""One call's life: task, queue, dispatcher, Express, caller, vendor, callback, resumed task, result, end."""

import base64
import json
import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import httpx
from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor as Contract
from headway_lane.messages.cancel import Stop
from headway_lane.messages.results_queue import write

from tests.matrix.app_config import AppConfigData
from tests.matrix.asl import Asked, Pause, Play, Player, StateError
from tests.matrix.faults import KILLS, Fault, Kind
from tests.matrix.network import Network, Service, connected
from tests.matrix.queues import Queue, Sqs, record_of
from tests.matrix.recording import Invocation, Recording
from tests.matrix.storage import Storage
from tests.matrix.stories import STOPPED, Story, contract
from tests.matrix.surroundings import Function, functions_of, machine, machine_arn, queues_of, visibility_s
from tests.matrix.tasks import StepFunctions, TaskEnd
from tests.matrix.vendor import Vendor
from tests.matrix.workers import FunctionFailed, Workers
from tests.matrix.world import Endless, World, showing
from tests.unit.headway_lane.fakes import WEBHOOK_KEY

HOP_S: Final = 0.02
TOLD_S: Final = (0.5, 40.0)
"""When EventBridge tells of a stop, in seconds after it: at least once."""
TUNING: Final = {"delay_ms": 0, "rate_per_s": 1_000}


@dataclass(slots=True)
class Ending:
    """How the author's execution ended, and when."""

    output: Any = None
    error: str | None = None
    cause: str | None = None
    at_us: int | None = None


class Driver:
    """A lane for one call, and what becomes of it under one fault, or under none."""

    def __init__(self, policy: Ambiguity, story: Story, fault: Fault | None = None) -> None:
        self.policy, self.story, self.fault = policy, story, fault
        self.world = World(overlapping=story.overlapping)
        self.recording = Recording(self.world, fault, self._struck)
        document = contract(policy, story)
        self.contract = Contract.from_document(document)
        self.functions = functions_of(self.contract)
        self.vendor = Vendor(self.world, self.recording, story, WEBHOOK_KEY, self._called_back)
        self.workers = Workers(self.world, self.recording, self.contract, httpx.MockTransport(self.vendor))
        self.sqs = Sqs(self.world, twice=story.twice)
        self.step_functions = StepFunctions(self.world, self._start_express)
        profiles = AppConfigData({"contract": document, "tuning": TUNING})
        services: dict[str, Service] = {"sqs": self.sqs, "states": self.step_functions, "appconfigdata": profiles}
        self.network = Network(self.world, self.recording, services)
        self.ending = Ending()
        self.in_doubt = self.struck = False
        self.endless = False
        self._express = count(1)

    def run(self) -> "Driver":
        """Make the call, and let happen whatever follows from it."""
        random.seed(0)
        with ExitStack() as stack:
            stack.enter_context(connected(self.network))
            stack.enter_context(showing(self.world))
            self.storage = Storage()
            self._make_queues()
            payload: Any = self.story.payload
            if self.story.claimed:
                payload = self.storage.put(f"requests/{self.contract.name}/payload.json", payload)
            arn = self._execute("call_vendor", {"payload": payload, "tenant": "tenant-1"}, self._end)
            if self.story.stopped_s is not None:
                self.world.after(self.story.stopped_s, lambda: self._stop(arn))
            try:
                self.world.run()
            except Endless:
                self.endless = True
        return self

    def _make_queues(self) -> None:
        names = queues_of(self.contract)
        dlqs = {name: self.sqs.add(Queue(name)) for name in names if name.endswith("_dlq")}
        for name in names:
            if name in dlqs:
                continue
            dlq = dlqs.get(name.replace("_queue", "_dlq"), dlqs["request_dlq"])
            self.sqs.add(Queue(name, visibility_s(self.contract, name), dlq))
        for function in self.functions.values():
            for name in function.queues:
                if name in self.sqs.queues:
                    self._map(self.sqs.queues[name], function)
        if self.contract.dispatch.trigger is Trigger.SCHEDULE:
            self._drain()

    def _map(self, queue: Queue, function: Function) -> None:
        """Let a function be fed from a queue, as soon as something is visible there."""
        hop_us = round(HOP_S * 1_000_000)
        queue.arrived = lambda visible_us: self.world.at(visible_us + hop_us, lambda: self._poll(queue, function))

    def _drain(self) -> None:
        """Start the dispatcher by schedule, as long as the call goes on."""
        if self.ending.at_us is None:
            with suppress(FunctionFailed):
                self.workers.invoke(self.functions["dispatcher"], {"batch_size": self.contract.dispatch.batch_size})
            self.world.after(60 * self.contract.dispatch.interval_minutes, self._drain)

    def _poll(self, queue: Queue, function: Function) -> None:
        """Feed a function with what is visible; what it has done is deleted, the rest comes back."""
        received = self.sqs.receive(queue, function.batch_size)
        if not received:
            return
        try:
            answer = self.workers.invoke(function, {"Records": [record_of(queue, message) for message in received]})
        except FunctionFailed:
            return
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for message in received:
            if message.message_id not in failed:
                self.sqs.delete(queue, message.receipt)

    # Executions.

    def _start_express(self, arn: str, data: Any) -> str:
        return self._execute(arn.rsplit(":", 1)[-1], data, lambda output, error: None)

    def _execute(self, name: str, data: Any, ended: Callable[[Any, StateError | None], None]) -> str:
        """Start an execution; returns its ARN."""
        execution = f"{name}-{next(self._express)}"
        arn = f"{machine_arn(name).replace('stateMachine', 'execution')}:{execution}"
        context = {
            "Execution": {
                "Id": arn,
                "Name": execution,
                "RedriveCount": 0,
                "Input": data,
                "StartTime": "2027-01-15T08:00:00Z",
            },
            "StateMachine": {"Id": machine_arn(name), "Name": name},
        }
        play = Player(machine(name, self.contract), context).play(data)
        self.world.after(HOP_S, lambda: self._step(play, None, ended))
        return arn

    def _step(self, play: Play, answer: Any, ended: Callable[[Any, StateError | None], None]) -> None:
        """Send an answer or an error into an execution, and do what it asks for next."""
        try:
            asked = play.throw(answer) if isinstance(answer, StateError) else play.send(answer)
        except StopIteration as stop:
            ended(stop.value, None)
            return
        except StateError as failure:
            ended(None, failure)
            return
        if isinstance(asked, Pause):
            self.world.after(asked.wait_s, lambda: self._step(play, None, ended))
        elif asked.resource.endswith(".waitForTaskToken"):
            self._wait(play, asked, ended)
        else:
            self._step(play, self._done(asked), ended)

    def _wait(self, play: Play, asked: Asked, ended: Callable[[Any, StateError | None], None]) -> None:
        def resume(end: TaskEnd) -> None:
            self._step(play, end.output if end.error is None else StateError(end.error, end.cause or ""), ended)

        token = self.step_functions.wait(asked.heartbeat_s, asked.timeout_s, resume)
        arguments = asked.arguments(token)
        queue = self.sqs.queues[arguments["QueueUrl"].rsplit("/", 1)[-1]]
        self.sqs.send(queue, json.dumps(arguments["MessageBody"]), arguments.get("MessageGroupId"))

    def _done(self, asked: Asked) -> Any:
        """Return the result of a task, or the error that it fails with."""
        arguments = asked.arguments("")
        if asked.resource.endswith("dynamodb:updateItem"):
            try:
                self.storage.update(arguments)
            except Exception as error:
                return StateError(f"DynamoDB.{type(error).__name__}", str(error))
            return {}
        assert asked.resource.endswith("lambda:invoke"), asked.resource
        function = self.functions[arguments["FunctionName"]]
        try:
            return {"Payload": self.workers.invoke(function, arguments["Payload"])}
        except FunctionFailed as failure:
            return StateError(failure.error, failure.cause)

    def _stop(self, arn: str) -> None:
        """Stop the execution, and let EventBridge tell of it a moment later, and once more."""
        if self.ending.at_us is not None:
            return
        self.step_functions.stop()
        self._end(None, StateError(STOPPED, ""))
        for wait_s in TOLD_S:
            self.world.after(wait_s, lambda: self._tell(Stop(arn)))

    def _tell(self, stop: Stop) -> None:
        self.sqs.send(self.sqs.queues["results_queue"], write(stop))

    def _end(self, output: Any, failure: StateError | None) -> None:
        error, cause = (failure.error, failure.cause) if failure else (None, None)
        self.ending = Ending(output, error, cause, self.world.now_us)
        self.world.note(f"the execution ends: {error or 'succeeded'} {cause or ''}")

    # The vendor.

    def _called_back(self, headers: Mapping[str, str], body: str) -> None:
        """Take a callback as the callback API does. One that comes before the vendor's response is handled before."""
        attributes = {
            "vendor": self.contract.name,
            "headers": "".join(f"{name}:{value}\n" for name, value in headers.items()),
            "format_version": "1",
        }
        written = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        queue = self.sqs.queues["callback_queue"]
        self.sqs.send(queue, base64.b64encode(body.encode()).decode(), attributes=written)
        if self.recording.invocation is not None:
            self._poll(queue, self.functions["callback"])

    def _struck(self, fault: Fault, invocation: Invocation) -> None:
        """Find out whether anybody can know what became of the submit, now that the fault strikes."""
        self.struck = True
        states = {item["state"]["S"] for item in self.storage.items("Calls")}
        submitting = invocation.submitted and bool(states & {"dispatching", "sending"})
        answered = fault.call.to_vendor and fault.kind in (Kind.UNREACHED, Kind.THROTTLED)
        killed_before = fault.kind in KILLS and "sending" in states and fault.call.function == "caller"
        self.in_doubt = self.in_doubt or (submitting and not answered) or killed_before
