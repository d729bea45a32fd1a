"""A fake of the Lambda API that ends callbacks of durable functions, over botocore's own model."""

import json
from typing import TYPE_CHECKING, Any, cast

from headway_lane.resume.durable_callback import DurableCallbacks

from tests.unit.headway_lane.fakes import AwsClient, client_error

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

RESULT_BYTES = 262_144
ERROR_BYTES = 262_144


class FakeDurableFunctions(AwsClient):
    """Waiting callbacks by ID: one success or failure ends one, and from then on its ID has timed out."""

    service = "lambda"

    def __init__(self, *waiting: str) -> None:
        super().__init__()
        self.waiting = set(waiting)
        self.ended: set[str] = set()

    def client(self) -> "LambdaClient":
        return cast("LambdaClient", self)

    def waiters(self) -> DurableCallbacks:
        return DurableCallbacks(self.client)

    def end(self, callback_id: str) -> None:
        """End a callback as its timeout does."""
        self.waiting.remove(callback_id)
        self.ended.add(callback_id)

    def send_durable_execution_callback_success(self, **params: Any) -> None:
        self._ask("SendDurableExecutionCallbackSuccess", params)
        if len(params["Result"]) > RESULT_BYTES:
            raise client_error("SendDurableExecutionCallbackSuccess", "InvalidParameterValueException")
        self._settle("SendDurableExecutionCallbackSuccess", params)

    def send_durable_execution_callback_failure(self, **params: Any) -> None:
        assert len(json.dumps(params["Error"])) <= ERROR_BYTES
        self._ask("SendDurableExecutionCallbackFailure", params)
        self._settle("SendDurableExecutionCallbackFailure", params)

    def send_durable_execution_callback_heartbeat(self, **params: Any) -> None:
        self._ask("SendDurableExecutionCallbackHeartbeat", params)
        self.sent.append(("SendDurableExecutionCallbackHeartbeat", params))

    def _settle(self, operation: str, params: dict[str, Any]) -> None:
        self.end(params["CallbackId"])
        self.sent.append((operation, params))

    def _ask(self, operation: str, params: dict[str, Any]) -> None:
        self._called(operation, params)
        callback_id = params["CallbackId"]
        if callback_id not in self.waiting:
            code = "CallbackTimeoutException" if callback_id in self.ended else "ResourceNotFoundException"
            raise client_error(operation, code)
