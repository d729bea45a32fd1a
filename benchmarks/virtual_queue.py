"""A standard queue of SQS on a virtual clock: about first in, first out, at least once, with delays, visibility times
and a dead-letter queue. Seeded: equal seeds give equal disorder.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, Final

from headway_lane.contract.timing import MAX_RECEIVE_COUNT

from headway.testing.virtual_threads import VirtualThreads

DISORDER_S: Final = 2.0
"""Most messages come out as if they had been sent so much later at most."""
STRAGGLERS: Final = 0.01
STRAGGLER_S: Final = 60.0
"""Such a share of them as if so much later."""
TWICE: Final = 0.001
"""The share of messages that come once more after they were deleted, within `STRAGGLER_S`."""
US_PER_S: Final = 1_000_000


@dataclass(slots=True)
class VirtualMessage:
    """A message; `rank_us` orders what is visible."""

    number: int
    body: str
    group: str | None
    sent_us: int
    rank_us: int
    received_count: int = 0
    again: bool = False


class VirtualQueue:
    """The queue `url` with its visibility timeout, as a client of SQS. `pause` is what a request takes."""

    def __init__(
        self, url: str, visibility_s: float, threads: VirtualThreads, random: Random, pause: Callable[[], None]
    ) -> None:
        self.url = url
        self.dead: list[str] = []
        self._visibility_us = round(visibility_s * US_PER_S)
        self._threads = threads
        self._uniform = random.random
        self._pause = pause
        self._numbers = count()
        self._messages: dict[int, VirtualMessage] = {}
        self._hidden: list[tuple[int, int]] = []
        self._visible: list[tuple[int, int]] = []

    def __len__(self) -> int:
        """Count what waits, hidden or not."""
        return len(self._messages)

    def send(self, body: str, group: str | None, delay_s: float = 0) -> None:
        """Put a message into the queue; it is visible after `delay_s`."""
        self._add(VirtualMessage(next(self._numbers), body, group, self._threads.now_us, 0), delay_s)

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int, MessageGroupId: str) -> None:  # noqa: N803
        """Send a message, as a client asks for it."""
        if QueueUrl != self.url:
            raise NotImplementedError(QueueUrl)
        self._pause()
        self.send(MessageBody, MessageGroupId, DelaySeconds)

    def receive(self, most_count: int) -> list[Mapping[str, Any]]:
        """Receive what is visible, and hide it, as ReceiveMessage answers; what came too often is dead."""
        now_us = self._threads.now_us
        while self._hidden and self._hidden[0][0] <= now_us:
            message = self._messages.get(heappop(self._hidden)[1])
            if message is not None:
                heappush(self._visible, (message.rank_us, message.number))
        received: list[Mapping[str, Any]] = []
        while self._visible and len(received) < most_count:
            message = self._messages.get(heappop(self._visible)[1])
            if message is None:
                continue  # deleted, when its visibility timeout was over
            if message.received_count == MAX_RECEIVE_COUNT:
                self.dead.append(self._messages.pop(message.number).body)
                continue
            message.received_count += 1
            heappush(self._hidden, (now_us + self._visibility_us, message.number))
            received.append(_answered(message))
        return received

    def delete(self, receipt: str) -> None:
        """Delete a message; a few come once more."""
        message = self._messages.pop(int(receipt), None)
        if message is not None and not message.again and self._uniform() < TWICE:
            message.again, message.received_count, message.number = True, 0, next(self._numbers)
            self._add(message, self._uniform() * STRAGGLER_S)

    def _add(self, message: VirtualMessage, delay_s: float) -> None:
        straggles = self._uniform() < STRAGGLERS
        disorder_s = self._uniform() * (STRAGGLER_S if straggles else DISORDER_S)
        visible_us = self._threads.now_us + round(delay_s * US_PER_S)
        message.rank_us = visible_us + round(disorder_s * US_PER_S)
        self._messages[message.number] = message
        heappush(self._hidden, (visible_us, message.number))


def _answered(message: VirtualMessage) -> Mapping[str, Any]:
    return {
        "Body": message.body,
        "ReceiptHandle": str(message.number),
        "Attributes": {"SentTimestamp": str(message.sent_us // 1_000), "MessageGroupId": message.group},
    }
