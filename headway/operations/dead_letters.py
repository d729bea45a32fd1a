"""Dead letters of a lane's two DLQs, as an operator asks for them: what was put aside, why, since when.

In: a Connection and a choice. Out: DeadLetters, one by one, in the order in which SQS gives them. They stay where they
are; `redrives` and `purge` take them away.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from headway_cdk.published import PublishedLane
from headway_lane.messages import json_text
from headway_lane.messages.envelope import (
    CALLBACK_HEADERS_ATTRIBUTE,
    CALLBACK_OUTCOME_ATTRIBUTE,
    CALLBACK_REASON_ATTRIBUTE,
    CALLBACK_VENDOR_ATTRIBUTE,
    raw_body,
    received_epoch_s_of,
)
from headway_lane.messages.origin import GROUP_ATTRIBUTE
from headway_lane.messages.request import CallRequest
from headway_lane.messages.results_queue import KIND_FIELD, Asked
from headway_lane.messages.waiter import WaiterKind
from headway_lane.runtime.errors import ErrorCode, Malformed, NewerFormat

from headway.deployment.connection import Connection
from headway.errors import NotDeployed
from headway.operations.held_messages import HeldMessages, Message

UNPROCESSED: Final = "Unprocessed"
"""The error of a dead letter that SQS itself has moved: its function broke off too often."""
UNKNOWN_VENDOR: Final = "unknown"


class DeadQueue(StrEnum):
    """The two DLQs of a lane, by what was put aside there."""

    REQUESTS = "requests"
    CALLBACKS = "callbacks"


class DeadKind(StrEnum):
    """What a dead letter is, which says what a redrive does with it."""

    CALL = "call"
    """A call that failed for good; its task has failed, too."""
    REQUEST = "request"
    """A request message with its task token."""
    ERRAND = "errand"
    """A check, a fetch, a stop or a cancel of the results queue."""
    CALLBACK = "callback"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that was put aside. `vendor` is that of the DLQ; `error` is an error code, or an outcome of a
    callback; `execution` and `call_id` are there where the message names them.
    """

    message_id: str
    vendor: str
    queue: DeadQueue
    kind: DeadKind
    error: str
    cause: str
    since_epoch_s: float
    call_id: str | None
    execution: str | None
    body: bytes = field(repr=False)
    message: Message = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return what may be shown of it: neither its body nor a token."""
        return {
            "message_id": self.message_id,
            "vendor": self.vendor,
            "queue": self.queue,
            "kind": self.kind,
            "error": self.error,
            "cause": self.cause,
            "since_epoch_s": self.since_epoch_s,
            "call_id": self.call_id,
            "execution": self.execution,
            "size_bytes": len(self.body),
        }

    def original(self) -> Any:
        """Return the message as it came, without its waiter: JSON, or a text where it is none."""
        try:
            document = json_text.read(self.body)
        except ValueError:
            return self.body.decode(errors="replace")
        if not isinstance(document, dict):
            return document
        return {name: "(not shown)" if name in tuple(WaiterKind) else value for name, value in document.items()}

    @property
    def put_aside_epoch_s(self) -> float:
        """When it came into its DLQ, which is later than its first arrival where it was redriven before."""
        return int(self.message["Attributes"]["SentTimestamp"]) / 1_000

    @property
    def attributes(self) -> Mapping[str, str]:
        """Message attributes as texts."""
        return _said(self.message)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters; None where any will do. Ages are seconds, `id` is a message ID or a call ID."""

    vendor: str | None = None
    queue: DeadQueue | None = None
    error: str | None = None
    older_than_s: float | None = None
    newer_than_s: float | None = None
    id: str | None = None
    limit: int | None = None
    until_epoch_s: float | None = None
    """Only those that were put aside by then: what a redrive brings back at once is not redriven for ever."""

    def takes(self, dead: DeadLetter, now_s: float) -> bool:
        """Whether a dead letter is one of these at an epoch second."""
        age_s = now_s - dead.since_epoch_s
        return (
            self.error in (None, dead.error)
            and (self.until_epoch_s is None or dead.put_aside_epoch_s <= self.until_epoch_s)
            and (self.older_than_s is None or age_s >= self.older_than_s)
            and (self.newer_than_s is None or age_s < self.newer_than_s)
            and self.id in (None, dead.message_id, dead.call_id)
        )


Step = Callable[[PublishedLane, HeldMessages, DeadLetter], Any]
"""What is done with each dead letter that is wanted; what it returns comes out."""


def stepped(connection: Connection, wanted: Wanted, now_s: float, step: Step) -> Iterator[Any]:
    """Do something with each dead letter that is wanted, one by one, and yield what comes of it.

    Those that are not wanted, or not deleted, are visible again at the end, whatever breaks off. Raises NotDeployed
    where the stage has no such vendor.
    """
    sqs, count = connection.target.client("sqs"), 0
    for name, lane, queue, url in _places(connection, wanted):
        with HeldMessages.of(sqs, url) as held, closing(held.look()) as messages:
            for message in messages:
                if count == wanted.limit:
                    return
                dead = dead_letter(message, name, queue)
                if wanted.takes(dead, now_s):
                    count += 1
                    yield step(lane, held, dead)


def dead_letters(connection: Connection, wanted: Wanted, now_s: float) -> Generator[DeadLetter]:
    """Yield dead letters; they stay where they are."""
    yield from stepped(connection, wanted, now_s, lambda _lane, _held, dead: dead)


def purge(connection: Connection, wanted: Wanted, now_s: float) -> Iterator[DeadLetter]:
    """Delete dead letters, and yield each that is gone."""

    def delete(_lane: PublishedLane, held: HeldMessages, dead: DeadLetter) -> DeadLetter:
        held.delete(dead.message)
        return dead

    yield from stepped(connection, wanted, now_s, delete)


def _places(connection: Connection, wanted: Wanted) -> Iterator[tuple[str, PublishedLane, DeadQueue, str]]:
    lanes = connection.stage.lanes
    if wanted.vendor is not None and wanted.vendor not in lanes:
        raise NotDeployed(f"stage {connection.stage.name} has no vendor {wanted.vendor}: it has {', '.join(lanes)}")
    for name, lane in lanes.items():
        if wanted.vendor in (None, name):
            urls = {DeadQueue.REQUESTS: lane.request_dlq_url, DeadQueue.CALLBACKS: lane.callback_dlq_url}
            for queue, url in urls.items():
                if url and wanted.queue in (None, queue):
                    yield name, lane, queue, url


def dead_letter(message: Message, vendor: str, queue: DeadQueue) -> DeadLetter:
    """Read a message of a vendor's DLQ."""
    return _callback(message, vendor) if queue is DeadQueue.CALLBACKS else _request(message, vendor)


def _callback(message: Message, vendor: str) -> DeadLetter:
    said = _said(message)
    record = {
        "attributes": message["Attributes"],
        "messageAttributes": {name: {"stringValue": value} for name, value in said.items()},
    }
    stranger = CALLBACK_HEADERS_ATTRIBUTE not in said or said.get(CALLBACK_VENDOR_ATTRIBUTE) == UNKNOWN_VENDOR
    return DeadLetter(
        message_id=message["MessageId"],
        vendor=vendor,
        queue=DeadQueue.CALLBACKS,
        kind=DeadKind.UNREADABLE if stranger else DeadKind.CALLBACK,
        error=said.get(CALLBACK_OUTCOME_ATTRIBUTE, UNPROCESSED),
        cause=said.get(CALLBACK_REASON_ATTRIBUTE, "the callback function broke off too often; see its log"),
        since_epoch_s=received_epoch_s_of(record),
        call_id=None,
        execution=None,
        body=raw_body(message["Body"]),
        message=message,
    )


def _request(message: Message, vendor: str) -> DeadLetter:
    body = message["Body"]
    kind, error, cause, call_id, execution = _read(body, vendor, message["Attributes"].get(GROUP_ATTRIBUTE, ""))
    return DeadLetter(
        message_id=message["MessageId"],
        vendor=vendor,
        queue=DeadQueue.REQUESTS,
        kind=kind,
        error=error,
        cause=cause,
        since_epoch_s=int(message["Attributes"]["SentTimestamp"]) / 1_000,
        call_id=call_id,
        execution=execution,
        body=body.encode(),
        message=message,
    )


def _read(body: str, vendor: str, tenant: str) -> tuple[DeadKind, str, str, str | None, str | None]:
    """Return kind, error, cause, call and execution of a message in a request DLQ."""
    try:
        document = json_text.read(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return DeadKind.UNREADABLE, ErrorCode.REQUEST_MALFORMED, "the message is no JSON object", None, None
    call = document.get("call")
    if "error" in document and isinstance(call, dict):
        place = call.get("call")
        execution = place.get("execution") if isinstance(place, dict) else None
        cause = str(document.get("cause", ""))
        return DeadKind.CALL, str(document["error"]), cause, call.get("call_id"), execution
    if document.get(KIND_FIELD) in tuple(Asked) or "due_epoch_s" in document:
        what = document.get(KIND_FIELD, Asked.CHECK)
        cause = f"a {what} broke off too often; see the results function's log"
        return DeadKind.ERRAND, UNPROCESSED, cause, document.get("call_id"), document.get("execution")
    try:
        request = CallRequest.from_body(body, vendor, tenant)
    except Malformed as malformed:
        return DeadKind.UNREADABLE, ErrorCode.REQUEST_MALFORMED, str(malformed), None, None
    except NewerFormat as newer:
        return DeadKind.REQUEST, UNPROCESSED, str(newer), None, None
    cause = "its dispatch broke off too often; see the dispatcher's log"
    return DeadKind.REQUEST, UNPROCESSED, cause, request.call_id, request.place.execution


def _said(message: Message) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
