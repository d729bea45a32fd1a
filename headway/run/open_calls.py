"""The calls of a run between start and end: whom to ask about next, how many wait, where they are. No I/O.

What has ended is forgotten.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from headway_lane.ledger.record import CallState, since_attribute

from headway.run.due import Due
from headway.run.ledger_watch import CallSight
from headway.run.open_call import CallPlace, OpenCall
from headway.run.room import QueueName, Room
from headway.run.tally import RECENT_S

UNSEEN_S: Final = 30.0
"""How long a call may be on its way to its queue and its record, before an empty queue says that it waits elsewhere."""
_SENT: Final = since_attribute(CallState.SENDING)


@dataclass(slots=True)
class OpenCalls:
    """Kept by the key of the line; `now_s` is the run's clock, `rooms` learn what happens in their queues."""

    rooms: Mapping[QueueName, Room]
    places: Counter[CallPlace] = field(default_factory=Counter)
    _calls: dict[str, OpenCall] = field(default_factory=dict)
    _reads: Due[str] = field(default_factory=Due)
    _ending: Due[str] = field(default_factory=Due)
    _silent: Due[str] = field(default_factory=Due)
    _unseen: dict[QueueName, dict[str, None]] = field(default_factory=dict)
    _sent_epoch_ms: dict[str, deque[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the open calls."""
        return len(self._calls)

    def add(self, call: OpenCall, now_s: float) -> None:
        """Take in a call that was started; its room has counted it as waiting."""
        key = call.todo.key
        self._calls[key] = call
        self.places[call.place] += 1
        self._unseen.setdefault(call.queue, {})[key] = None
        self._reads.put(key, now_s)
        self._silent.put(key, now_s + call.next_describe_s())

    def to_read(self, now_s: float, most: int) -> list[OpenCall]:
        """Return calls whose record is to be read now; they are due again later."""
        calls = [self._calls[key] for key in self._reads.take(now_s, most)]
        for call in calls:
            self._reads.put(call.todo.key, now_s + call.next_read_s())
        return calls

    def read_again(self, calls: Iterable[OpenCall], due_s: float) -> None:
        """Read calls anew from a time on: the ledger did not answer."""
        for call in calls:
            self._reads.put(call.todo.key, due_s)

    def to_describe(self, now_s: float, most: int, most_silent: int) -> list[OpenCall]:
        """Return calls whose execution is to be described now, first those that are about to end, then so many at most
        of which the ledger has said nothing new for a while; all are due again later.
        """
        calls = [self._calls[key] for key in self._ending.take(now_s, most)]
        calls += [self._calls[key] for key in self._silent.take(now_s, min(most_silent, most - len(calls)))]
        for call in calls:
            (self._ending if call.ending else self._silent).put(call.todo.key, now_s + call.next_describe_s())
        return calls

    def see(self, call: OpenCall, sight: CallSight, now_s: float) -> None:
        """Take in what the ledger says of a call."""
        key, before, first = call.todo.key, call.sight, call.sight is None
        waited, worked = call.waiting, call.at_vendor
        self.places[call.place] -= 1
        changed = call.see(sight)
        self.places[call.place] += 1
        self._unseen.get(call.queue, {}).pop(key, None)
        if (sent_ms := sight.times.get(_SENT)) and (before is None or before.times.get(_SENT) != sent_ms):
            self._note_sent(call.todo.vendor, sent_ms)
        taken = sight.state is not CallState.EXPIRED and not (call.adopted and first)
        self._count(call, waited, worked, now_s, taken=taken)
        if call.ending:
            self._reads.drop(key)
            self._silent.drop(key)
        if changed:
            (self._ending if call.ending else self._silent).put(
                key, now_s if call.ending else now_s + call.next_describe_s()
            )

    def end(self, call: OpenCall, now_s: float, *, taken: bool) -> None:
        """Forget a call whose execution has ended; `taken`: it ended well, whatever the ledger told."""
        key, waited, worked = call.todo.key, call.waiting, call.at_vendor
        del self._calls[key]
        self.places[call.place] -= 1
        self._unseen.get(call.queue, {}).pop(key, None)
        for due in (self._reads, self._ending, self._silent):
            due.drop(key)
        room = self.rooms[call.queue]
        room.waiting_count -= waited
        room.at_vendor_count -= worked
        if waited and taken:
            room.took(now_s)

    def look(self, queue: QueueName, depth_count: int, now_s: float) -> None:
        """Take in how many messages a queue holds: where it is empty, what the ledger does not know waits elsewhere."""
        unseen = self._unseen.get(queue, {})
        while depth_count == 0 and unseen:
            call = self._calls[next(iter(unseen))]
            if call.began_s > now_s - UNSEEN_S:
                break
            del unseen[call.todo.key]
            call.elsewhere = True
            self._count(call, waited=True, worked=False, now_s=now_s, taken=not call.adopted)
        self.rooms[queue].look(depth_count)

    def recently_sent(self, vendor: str, now_epoch_ms: int) -> Sequence[int]:
        """Return when calls of the last seconds were sent, about in their order."""
        sent = self._sent_epoch_ms.get(vendor, deque())
        while sent and sent[0] <= now_epoch_ms - RECENT_S * 1_000:
            sent.popleft()
        return list(sent)

    def _note_sent(self, vendor: str, epoch_ms: int) -> None:
        sent = self._sent_epoch_ms.setdefault(vendor, deque())
        sent.append(epoch_ms)
        while sent[0] <= epoch_ms - RECENT_S * 1_000:
            sent.popleft()

    def _count(self, call: OpenCall, waited: bool, worked: bool, now_s: float, *, taken: bool) -> None:
        """Count a call where it is now, in place of where it was."""
        room = self.rooms[call.queue]
        room.waiting_count += call.waiting - waited
        room.at_vendor_count += call.at_vendor - worked
        if waited and not call.waiting and taken:
            room.took(now_s)


def in_ledger(calls: Iterable[OpenCall]) -> list[tuple[str, str]]:
    """Return where the ledger has calls."""
    return [call.in_ledger for call in calls]
