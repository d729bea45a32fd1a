"""The in-memory store of books, and a clock that moves only when somebody sleeps."""

from functions.limiter.budget import Entry


class MemoryBookStore:
    """Keeps entries in a dictionary; counts reads and writes like the real one would be billed."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.read_count = 0
        self.write_count = 0

    def read(self, budget: str) -> Entry | None:
        self.read_count += 1
        return self.entries.get(budget)

    def write(self, budget: str, entry: Entry) -> bool:
        self.write_count += 1
        stored = self.entries.get(budget)
        if (stored.version if stored else 0) != entry.version - 1:
            return False
        self.entries[budget] = entry
        return True


class VirtualClock:
    """Microseconds since the epoch; sleeping is the only way to pass time, and may take longer than asked."""

    def __init__(self, now_us: int = 1_000_000_000, oversleep_us: int = 0) -> None:
        self.now_us = now_us
        self.oversleep_us = oversleep_us

    def epoch_us(self) -> int:
        return self.now_us

    def sleep_us(self, duration_us: int) -> None:
        assert duration_us > 0
        self.now_us += duration_us + self.oversleep_us
