"""Things to be asked about again, each at its time. Pure."""

import heapq
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Due(Generic[T]):
    """Keys with the time at which each is due, in seconds of one clock; who is due first comes first."""

    _due_s: dict[T, float] = field(default_factory=dict)
    _heap: list[tuple[float, int, T]] = field(default_factory=list)
    _order: int = 0

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._due_s)

    def put(self, key: T, due_s: float) -> None:
        """Set when a key is due, in place of what was set before."""
        self._due_s[key] = due_s
        self._order += 1
        heapq.heappush(self._heap, (due_s, self._order, key))
        if len(self._heap) > 2 * len(self._due_s) + 64:  # entries that were set anew, or dropped
            self._heap = [entry for entry in self._heap if self._due_s.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def drop(self, key: T) -> None:
        """Forget a key, whether it is there or not."""
        self._due_s.pop(key, None)

    def take(self, now_s: float, most: int) -> dict[T, float]:
        """Return keys that are due, with their times, the first ones first; they are forgotten."""
        taken: dict[T, float] = {}
        while len(taken) < most and self._heap and self._heap[0][0] <= now_s:
            due_s, _, key = heapq.heappop(self._heap)
            if self._due_s.get(key) == due_s:
                del self._due_s[key]
                taken[key] = due_s
        return taken
