"""The in-memory store of books."""

from functions.limiter.budget import Entry


class MemoryBookStore:
    """Keeps entries in a dictionary; counts reads and writes like the real one would be billed. The next `races` writes
    are lost to somebody else.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.read_count = 0
        self.write_count = 0
        self.races = 0

    def read(self, budget: str) -> Entry | None:
        self.read_count += 1
        return self.entries.get(budget)

    def write(self, budget: str, entry: Entry) -> bool:
        self.write_count += 1
        if self.races:
            self.races -= 1
            return False
        stored = self.entries.get(budget)
        if (stored.version if stored else 0) != entry.version - 1:
            return False
        self.entries[budget] = entry
        return True
