"""Callbacks that were put aside (hop 10): in the callback DLQ, with the reason and all that came, to be looked at and
replayed.

A look takes dead letters out of sight for `LOOK_S`, and makes them visible again. A replay sends one to the callback
queue with the moment of its first arrival, so that its signature is as old as it was then, and deletes it after that:
a crash between the two replays it twice, and the inbox takes the first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from headway_lane.messages.envelope import (
    CALLBACK_HEADERS_ATTRIBUTE,
    CALLBACK_OUTCOME_ATTRIBUTE,
    CALLBACK_REASON_ATTRIBUTE,
    CALLBACK_RECEIVED_ATTRIBUTE,
    CALLBACK_VENDOR_ATTRIBUTE,
    raw_body,
    received_epoch_s_of,
)
from headway_lane.runtime.formats import FORMAT_VERSION

from headway.deployment.connection import Connection

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

LOOK_S: Final = 60
"""How long dead letters are out of sight while somebody looks at them; visible again sooner if nothing breaks off."""
WAIT_S: Final = 1
"""How long a receive waits: without a wait SQS asks a part of its servers, and a look would end too soon."""
BATCH: Final = 10
"""The most messages that SQS gives at once (API reference)."""
UNPROCESSED: Final = "Unprocessed"
"""The outcome of a dead letter that SQS itself has moved here: the function broke off too often."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters: of one vendor, with one outcome, out of so many; None for all of them."""

    vendor: str | None = None
    outcome: str | None = None
    limit: int | None = None

    def chosen(self, found: "Iterable[DeadLetter]") -> "list[DeadLetter]":
        """Choose by outcome, the oldest first; each vendor has a DLQ of its own."""
        chosen = [one for one in found if self.outcome in (None, one.outcome)]
        return sorted(chosen, key=lambda one: one.received_epoch_s)


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay: dead letters that were sent, and those that did not come through the callback API."""

    replayed_count: int
    unusable_count: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One callback that was put aside; `outcome` is `Forged`, `Malformed` or UNPROCESSED."""

    message_id: str
    vendor: str
    outcome: str
    reason: str
    received_epoch_s: float
    body: bytes = field(repr=False)
    headers: str | None = field(repr=False)
    message: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "DeadLetter":
        """Read a message of the DLQ."""
        said = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
        record = {
            "attributes": message["Attributes"],
            "messageAttributes": {name: {"stringValue": value} for name, value in said.items()},
        }
        return cls(
            message_id=message["MessageId"],
            vendor=said.get(CALLBACK_VENDOR_ATTRIBUTE, "unknown"),
            outcome=said.get(CALLBACK_OUTCOME_ATTRIBUTE, UNPROCESSED),
            reason=said.get(CALLBACK_REASON_ATTRIBUTE, "the callback function broke off too often; see its log"),
            received_epoch_s=received_epoch_s_of(record),
            body=raw_body(message["Body"]),
            headers=said.get(CALLBACK_HEADERS_ATTRIBUTE),
            message=message,
        )

    @property
    def can_be_replayed(self) -> bool:
        """Whether it came through the callback API."""
        return self.headers is not None


class DeadLetters:
    """The callback DLQ of a lane, and the queue that its dead letters came from."""

    @classmethod
    def of(cls, connection: Connection, vendor: str | None) -> list[Self]:
        """Find those of one vendor, or of each that calls back. Raises NotDeployed for a vendor that does not."""
        if vendor is not None:
            connection.stage.callback_url(vendor)
        client = connection.target.client("sqs")
        return [
            cls(client, lane.callback_dlq_url, lane.callback_queue_url)
            for name, lane in connection.stage.lanes.items()
            if vendor in (None, name) and lane.callback_dlq_url and lane.callback_queue_url
        ]

    def __init__(self, sqs: "SQSClient", dlq_url: str, queue_url: str) -> None:
        self._sqs = sqs
        self._dlq_url = dlq_url
        self._queue_url = queue_url

    def take(self, limit: int | None = None) -> Iterator[DeadLetter]:
        """Yield dead letters, each once, in no order; they are out of sight until LOOK_S is over or `requeue`."""
        seen: set[str] = set()
        while limit is None or len(seen) < limit:
            wanted = BATCH if limit is None else min(BATCH, limit - len(seen))
            answer = self._sqs.receive_message(
                QueueUrl=self._dlq_url,
                MaxNumberOfMessages=wanted,
                WaitTimeSeconds=WAIT_S,
                VisibilityTimeout=LOOK_S,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            if not (messages := answer.get("Messages", [])):
                return
            for message in messages:
                if message["MessageId"] not in seen:  # SQS may give one twice, although it is out of sight
                    seen.add(message["MessageId"])
                    yield DeadLetter.of(message)

    def requeue(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Make dead letters visible again at once."""
        for dead_letter in dead_letters:
            self._sqs.change_message_visibility(
                QueueUrl=self._dlq_url, ReceiptHandle=dead_letter.message["ReceiptHandle"], VisibilityTimeout=0
            )

    def replay(self, dead_letter: DeadLetter) -> None:
        """Send a dead letter to the inbox once more, as it came, and delete it here."""
        came = dead_letter.message.get("MessageAttributes", {})
        attributes = {
            **{name: value["StringValue"] for name, value in came.items() if name == FORMAT_VERSION},
            CALLBACK_VENDOR_ATTRIBUTE: dead_letter.vendor,
            CALLBACK_HEADERS_ATTRIBUTE: dead_letter.headers or "\n",
            CALLBACK_RECEIVED_ATTRIBUTE: str(dead_letter.received_epoch_s),
        }
        self._sqs.send_message(
            QueueUrl=self._queue_url,
            MessageBody=dead_letter.message["Body"],
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
        self._sqs.delete_message(QueueUrl=self._dlq_url, ReceiptHandle=dead_letter.message["ReceiptHandle"])

    def replay_all(self, wanted: Wanted, following: Callable[[Sequence[DeadLetter]], Iterable[DeadLetter]]) -> Replay:
        """Send those that are wanted and came through the callback API; the others stay, visible again."""
        found = list(self.take(wanted.limit))
        usable = [dead_letter for dead_letter in wanted.chosen(found) if dead_letter.can_be_replayed]
        left = [dead_letter for dead_letter in found if dead_letter not in usable]
        sent_count = 0
        try:
            for dead_letter in following(usable):
                self.replay(dead_letter)
                sent_count += 1
        finally:
            self.requeue([*left, *usable[sent_count:]])
        return Replay(sent_count, len(wanted.chosen(left)))


def listed(connection: Connection, wanted: Wanted) -> list[DeadLetter]:
    """Return dead letters of a deployment, the oldest first; they stay where they are."""
    found: list[DeadLetter] = []
    for dead_letters in DeadLetters.of(connection, wanted.vendor):
        taken = list(dead_letters.take(wanted.limit))
        dead_letters.requeue(taken)
        found += taken
    return wanted.chosen(found)[: wanted.limit]


def replay(
    connection: Connection,
    wanted: Wanted,
    following: Callable[[Sequence[DeadLetter]], Iterable[DeadLetter]] = iter,
) -> Replay:
    """Send dead letters to the inbox once more; `following` yields them one by one, and may show how far it has come.

    Whatever breaks it off, those that were not sent are visible again.
    """
    replayed_count = unusable_count = 0
    for dead_letters in DeadLetters.of(connection, wanted.vendor):
        left = None if wanted.limit is None else wanted.limit - replayed_count - unusable_count
        if left == 0:
            break
        done = dead_letters.replay_all(replace(wanted, limit=left), following)
        replayed_count, unusable_count = replayed_count + done.replayed_count, unusable_count + done.unusable_count
    return Replay(replayed_count, unusable_count)
