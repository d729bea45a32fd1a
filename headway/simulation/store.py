"""The reservations of a simulation: in memory, under the same condition as the table in DynamoDB."""

from headway_lane.limiter.budget import Entry


class MemoryReservationStore:
    """Keeps entries in a dictionary, and counts the writes that came through."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self.write_count = 0

    def read(self, budget: str) -> Entry | None:
        """Return the entry of a budget; None before its first use."""
        return self._entries.get(budget)

    def write(self, budget: str, entry: Entry) -> bool:
        """Store an entry if the stored version is the one before it. False where it is not."""
        if self.version(budget) != entry.version - 1:
            return False
        self._entries[budget] = entry
        self.write_count += 1
        return True

    def version(self, budget: str) -> int:
        """Return the version that is stored; 0 before the first use."""
        entry = self._entries.get(budget)
        return entry.version if entry else 0
