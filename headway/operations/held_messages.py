"""A look through a queue, page by page: each message once, whatever SQS does, and all of them visible again behind it.

A receive takes messages out of sight for HOLD_S. So none comes twice while one looks, and none costs memory: which were
seen, and the handle that makes them visible again, are in a private SQLite database without a name on disk. A process
that is killed in between leaves nothing behind: what it held comes back by itself. The queue has no redrive policy of
its own, so a receive counts and costs nothing else.
"""

import hashlib
import sqlite3
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

HOLD_S: Final = 600
"""How long messages are out of sight: 20,000 are looked through in a minute or two. Behind a longer look some come
again, and are passed over."""
WAIT_S: Final = 1
"""How long a receive waits: without a wait SQS asks a part of its servers, and a look would end too soon."""
PAGE_COUNT: Final = 10
"""The most messages that SQS gives, or changes, at once (API reference)."""
BARREN_COUNT: Final = 3
"""After so many receives without anything new the look is over."""
_CACHE_KIB: Final = 2_048

Message = Mapping[str, Any]


class HeldMessages:
    """The messages of one queue, held while they are looked at."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.execute("CREATE TABLE held (message BLOB PRIMARY KEY, handle TEXT) WITHOUT ROWID")
        self._db.execute("BEGIN")  # never committed: nobody else reads it

    @classmethod
    @contextmanager
    def of(cls, sqs: "SQSClient", queue_url: str) -> Iterator[Self]:
        """Look at a queue; at the end, however it comes, what is still held is visible again."""
        held = cls(sqs, queue_url)
        try:
            yield held
        finally:
            held.release()

    def look(self) -> Generator[Message]:
        """Yield the messages, each once, in the order in which SQS gives them, which is none."""
        barren_count = 0
        while barren_count < BARREN_COUNT:
            page = self._receive()
            fresh = [message for message in page if self._hold(message)]
            if not page:
                return
            barren_count = 0 if fresh else barren_count + 1
            yield from fresh

    def delete(self, message: Message) -> None:
        """Delete a message; where it is gone already, nothing happens."""
        self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        self._db.execute("UPDATE held SET handle = NULL WHERE message = ?", (_digest(message),))

    def release(self) -> None:
        """Make all that is still held visible again."""
        for handles in self._handles():
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(handles)
            ]
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=entries,  # type: ignore[arg-type] # typed dictionaries
            )
        self._db.close()

    def _handles(self) -> Iterator[list[str]]:
        found = self._db.execute("SELECT handle FROM held WHERE handle IS NOT NULL")
        while rows := found.fetchmany(PAGE_COUNT):
            yield [row[0] for row in rows]

    def _receive(self) -> list[Message]:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=PAGE_COUNT,
            WaitTimeSeconds=WAIT_S,
            VisibilityTimeout=HOLD_S,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return [*answer.get("Messages", [])]

    def _hold(self, message: Message) -> bool:
        """Note a message, with the handle that it has now. False where it was seen before: SQS may give one twice."""
        handle = message["ReceiptHandle"]
        digest = _digest(message)
        try:
            self._db.execute("INSERT INTO held VALUES (?, ?)", (digest, handle))
        except sqlite3.IntegrityError:
            self._db.execute("UPDATE held SET handle = ? WHERE message = ?", (handle, digest))
            return False
        return True


def _digest(message: Message) -> bytes:
    return hashlib.blake2b(message["MessageId"].encode(), digest_size=16).digest()
