"""What lies between a durable function on the SDK's local runner and a lane's handlers: Lambda's API and the queues."""

import json
from collections.abc import Callable
from queue import Empty, Queue
from typing import Any

from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from aws_durable_execution_sdk_python_testing.exceptions import AwsApiException
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.callback import handler as callback
from headway_lane.caller import handler as caller
from headway_lane.dispatcher import handler as dispatcher
from headway_lane.results import handler as results

from tests.unit.headway_lane.fakes import Worker, callback_record, client_error, invocation, signed, sqs_record

PATIENCE_S = 20
"""How long a test waits for the runner's threads, which take milliseconds."""
CONTEXT = LambdaContext()


class LocalLambda:
    """The three calls of boto3's Lambda client that end callbacks, answered by the local runner; `told` took effect."""

    def __init__(self, runner: DurableFunctionTestRunner) -> None:
        self._runner = runner
        self.told: list[str] = []

    def send_durable_execution_callback_success(self, *, CallbackId: str, Result: bytes) -> None:  # noqa: N803
        self._tell("Success", lambda: self._runner.send_callback_success(CallbackId, Result))

    def send_durable_execution_callback_failure(self, *, CallbackId: str, Error: dict[str, Any]) -> None:  # noqa: N803
        error = ErrorObject.from_dict(Error)
        self._tell("Failure", lambda: self._runner.send_callback_failure(CallbackId, error))

    def send_durable_execution_callback_heartbeat(self, *, CallbackId: str) -> None:  # noqa: N803
        self._tell("Heartbeat", lambda: self._runner.send_callback_heartbeat(CallbackId))

    def _tell(self, word: str, call: Callable[[], None]) -> None:
        try:
            call()
        except AwsApiException as error:
            raise client_error(f"SendDurableExecutionCallback{word}", type(error).__name__) from error
        self.told.append(word)


class LocalLane:
    """The queues of a lane, as the function sends to them, and the lane's handlers, one by one."""

    def __init__(self, worker: Worker, functions: LocalLambda) -> None:
        self.worker = worker
        self.functions = functions
        self._sent: Queue[str] = Queue()

    def send_message(self, **message: Any) -> None:
        """Take a message of the function, in the place of SQS."""
        self._sent.put(message["MessageBody"])

    def message(self) -> str:
        """Wait for the function's next message."""
        return self._sent.get(timeout=PATIENCE_S)

    def silent(self) -> bool:
        """Return whether the function has sent nothing more."""
        try:
            self._sent.get_nowait()
        except Empty:
            return True
        return False

    def dispatched(self, body: str) -> list[dict[str, Any]]:
        """Bring a request to the dispatcher; return the inputs of the executions that it has started for it."""
        before = len(self.worker.step_functions.of("StartExecution"))
        assert dispatcher.dispatch({"Records": [sqs_record(body)]}, CONTEXT) == {"batchItemFailures": []}
        return [json.loads(begun["input"]) for begun in self.worker.step_functions.of("StartExecution")[before:]]

    def refused(self, body: str) -> bool:
        """Bring a request to the dispatcher; return whether it goes the way of dead letters."""
        return dispatcher.dispatch({"Records": [sqs_record(body)]}, CONTEXT) != {"batchItemFailures": []}

    def called(self, call: dict[str, Any], request_id: str = "invocation-1") -> str:
        """Let the caller make a call; return the outcome."""
        return str(caller.call(call, invocation(request_id))["outcome"])

    def calls_back(self, status: str = "succeeded", job_id: str = "job-1") -> None:
        """Let the vendor call back, signed."""
        body = json.dumps({"id": job_id, "status": status})
        assert callback.receive({"Records": [callback_record(body, signed(body))]}, CONTEXT) == {
            "batchItemFailures": []
        }

    def fetched(self, body: str) -> None:
        """Bring a fetch to the results function."""
        assert results.find({"Records": [sqs_record(body)]}, CONTEXT) == {"batchItemFailures": []}

    @property
    def state(self) -> str:
        """The ledger's word on the only call that there is."""
        (item,) = self.worker.tables.calls.scan()["Items"]
        return str(item["state"])
