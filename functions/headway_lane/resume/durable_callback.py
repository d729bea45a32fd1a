"""Waiters that are callbacks of AWS Lambda durable functions: the handle is the callback ID (`create_callback`).

Sizes, codes and the shape of an ID are those of the Lambda API reference, SendDurableExecutionCallbackSuccess, -Failure
and -Heartbeat: a result has up to 262,144 bytes, as the output of a task has, and all that is said of an error together
256 KB.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from headway_lane.messages import json_text
from headway_lane.messages.waiter import Waiter, handle_of
from headway_lane.runtime.causes import bounded

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import ErrorObjectTypeDef

DEAD_CALLBACK_CODES: Final = frozenset({"CallbackTimeoutException", "ResourceNotFoundException"})
"""Answers of SendDurableExecutionCallback*: it has expired, was ended already, or is not known. Never retried."""
INVALID: Final = "InvalidParameterValueException"
"""Some parameter is wrong, and the answer leaves open which: the callback ID, or what was sent with it."""


class DurableCallbacks:
    """Waiting callbacks, by their IDs; see `Waiters`. `functions` gives the Lambda client: reading its API takes long,
    and is left to workers that settle for a durable function.
    """

    def __init__(self, functions: Callable[[], "LambdaClient"]) -> None:
        self._functions = functions

    def succeed(self, waiter: Waiter, output: Mapping[str, Any]) -> bool:
        """Resume a waiting execution. False where nobody waits any more."""
        try:
            self._functions().send_durable_execution_callback_success(
                CallbackId=handle_of(waiter), Result=json_text.encode(output)
            )
        except ClientError as error:
            return self._dead(waiter, error)
        return True

    def fail(self, waiter: Waiter, code: str, cause: str) -> bool:
        """Fail a callback, with as much of the cause as travels. False where nobody waits any more.

        The error's name is its data, too: of a failed callback the SDK shows the data, and keeps the type to itself.
        """
        error: ErrorObjectTypeDef = {"ErrorType": code, "ErrorMessage": bounded(cause), "ErrorData": code}
        try:
            self._functions().send_durable_execution_callback_failure(CallbackId=handle_of(waiter), Error=error)
        except ClientError as error:
            return self._dead(waiter, error)
        return True

    def beat(self, waiter: Waiter) -> bool:
        """Restart the heartbeat clock of a callback. False where nobody waits any more."""
        try:
            self._functions().send_durable_execution_callback_heartbeat(CallbackId=handle_of(waiter))
        except ClientError as error:
            if _code(error) not in DEAD_CALLBACK_CODES | {INVALID}:  # the ID is all that was sent
                raise
            return False
        return True

    def _dead(self, waiter: Waiter, error: ClientError) -> bool:
        """Return False for a dead callback ID, raise everything else; a heartbeat tells which parameter is invalid."""
        if _code(error) in DEAD_CALLBACK_CODES or (_code(error) == INVALID and not self.beat(waiter)):
            return False
        raise error


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
