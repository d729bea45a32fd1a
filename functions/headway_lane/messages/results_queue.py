"""The results queue: what has to be found out about jobs that a vendor has (beside hop 10) or has ended (hop 11), and
what is to be called off.

Each message says by its `kind` what it is. Those of the first version had none: they are checks.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from headway_lane.contract.timing import LONGEST_REQUEUE_S
from headway_lane.messages import json_text
from headway_lane.messages.body import json_object
from headway_lane.messages.cancel import Cancellation, Stop
from headway_lane.messages.check import Check
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.waiter import WaiterKind, field_of, waiter_in
from headway_lane.runtime.errors import Malformed, NewerFormat
from headway_lane.runtime.formats import FORMAT_VERSION, Format

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

RESULTS_MESSAGE: Final = Format("the message of the results queue", version=2)
KIND_FIELD: Final = "kind"
WAITER: Final = "waiter"
"""The field of a Fetch; in a message it is called by its kind."""


class Asked(StrEnum):
    """What a message asks for."""

    CHECK = "check"
    FETCH = "fetch"
    STOP = "stop"
    CANCEL = "cancel"


ResultsMessage = Check | Fetch | Stop | Cancellation
_CLASSES: Final[Mapping[Asked, type[ResultsMessage]]] = {
    Asked.CHECK: Check,
    Asked.FETCH: Fetch,
    Asked.STOP: Stop,
    Asked.CANCEL: Cancellation,
}
_KINDS: Final = {made: kind for kind, made in _CLASSES.items()}


def read(body: str) -> ResultsMessage:
    """Read a message; NewerFormat, or Malformed where a field is missing, wrong or one too many."""
    written = dict(json_object(body, "the message"))
    RESULTS_MESSAGE.check(written)
    written.pop(FORMAT_VERSION, None)
    kind = written.pop(KIND_FIELD, Asked.CHECK)
    if kind not in tuple(Asked):
        raise Malformed(f"`{KIND_FIELD}` is none of {', '.join(Asked)}")
    made = _CLASSES[Asked(kind)]
    if made is Fetch:
        waiter = waiter_in(written)
        written = {name: value for name, value in written.items() if name not in tuple(WaiterKind)}
        written[WAITER] = waiter
    for field in fields(made):
        wanted: Any = getattr(field.type, "__supertype__", None) or field.type
        if not isinstance(written.get(field.name, field.default), wanted):
            raise Malformed(f"`{field.name}` of a {kind} is missing, or has the wrong type")
    try:
        return made(**written)
    except TypeError as error:
        raise Malformed(f"a {kind} has fields that nobody knows") from error


def write(message: ResultsMessage) -> str:
    """Write the message that `read` reads."""
    said = asdict(message)
    if isinstance(message, Fetch):
        said |= field_of(said.pop(WAITER))
    return json_text.write({**RESULTS_MESSAGE.stamp, KIND_FIELD: _KINDS[type(message)], **said})


class ResultsQueue:
    """One vendor's results queue, from the side of who writes to it."""

    def __init__(self, sqs: "SQSClient", queue_url: str, epoch_s: Callable[[], float]) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._epoch_s = epoch_s

    def check(self, check: Check) -> None:
        """Let a check wait until it is due, or for as long as SQS lets a message wait."""
        self._send(write(check), max(0, check.due_epoch_s - self._epoch_s()))

    def fetch(self, fetch: Fetch, delay_s: float) -> None:
        """Let a fetch wait, or for as long as SQS lets a message wait."""
        self._send(write(fetch), delay_s)

    def stop(self, stop: Stop, delay_s: float = 0) -> None:
        """Let the calls of a stopped execution be looked up."""
        self._send(write(stop), delay_s)

    def cancel(self, cancel: Cancellation, delay_s: float = 0) -> None:
        """Let a job be called off."""
        self._send(write(cancel), delay_s)

    def requeue(self, body: str, newer: NewerFormat) -> None:
        """Let what newer code has to do wait for that code, as it came."""
        self._send(body, newer.retry_after_s or 0)

    def _send(self, body: str, delay_s: float) -> None:
        delay_s = min(math.ceil(delay_s), LONGEST_REQUEUE_S)
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=delay_s)
