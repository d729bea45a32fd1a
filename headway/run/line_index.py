"""The lines of an input that are to be called, on disk: a run holds none of them in memory.

A private SQLite database without a name, which is gone when the process is. It is made anew by each run: what lasts is
the results file.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from headway.run.lines import BadLine
from headway.run.results import LineOutcome, read_records
from headway.run.room import QueueName
from headway.run.worklist import Past, Todo

_PAGE: Final = 500
_CACHE_KIB: Final = 8_192
_TABLES: Final = """
    CREATE TABLE past (key TEXT PRIMARY KEY, attempt INTEGER, succeeded INTEGER, execution TEXT) WITHOUT ROWID;
    CREATE TABLE seen (line BLOB PRIMARY KEY, count INTEGER) WITHOUT ROWID;
    CREATE TABLE bad (number INTEGER PRIMARY KEY, key TEXT, reason TEXT);
    CREATE TABLE todo (
        queue INTEGER, number INTEGER, offset INTEGER, occurrence INTEGER, key TEXT, tenant TEXT,
        attempt INTEGER, failed TEXT,
        PRIMARY KEY (queue, number)
    ) WITHOUT ROWID;
"""


class LineIndex:
    """Filled by one pass over the input, then read queue by queue in the order of the lines; for one thread."""

    def __init__(self) -> None:
        self._queues: dict[QueueName, int] = {}
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")  # never committed: nobody else reads it

    def close(self) -> None:
        """Remove it."""
        self._db.close()

    @property
    def queues(self) -> Mapping[QueueName, int]:
        """Count the lines that are to be called, by queue."""
        counts = dict(self._db.execute("SELECT queue, COUNT(*) FROM todo GROUP BY queue"))
        return {queue: counts[number] for queue, number in self._queues.items()}

    def learn(self, results: Path) -> None:
        """Take in what earlier runs recorded. Raises RunRefused where the file holds something else."""
        self._db.executemany(
            "INSERT OR REPLACE INTO past VALUES (?, ?, ?, ?)",
            (
                (record.key, record.attempt, record.outcome is LineOutcome.SUCCEEDED, record.execution)
                for record in read_records(results)
            ),
        )

    def past(self, key: str) -> Past | None:
        """Return what the earlier runs came to with a line."""
        found = self._db.execute("SELECT attempt, succeeded, execution FROM past WHERE key = ?", (key,)).fetchone()
        return Past(found[0], bool(found[1]), found[2]) if found else None

    def occurrence(self, line: str) -> int:
        """Return how often it was asked for an equal line before."""
        digest = hashlib.blake2b(line.encode(), digest_size=16).digest()
        found = self._db.execute("SELECT count FROM seen WHERE line = ?", (digest,)).fetchone()
        count = found[0] if found else 0
        self._db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (digest, count + 1))
        return int(count)

    def add_bad(self, line: BadLine) -> None:
        """Keep a line that cannot be called."""
        self._db.execute("INSERT INTO bad VALUES (?, ?, ?)", (line.number, line.key, line.reason))

    def bad(self) -> Iterator[BadLine]:
        """Return the lines that cannot be called."""
        for number, key, reason in self._db.execute("SELECT number, key, reason FROM bad ORDER BY number"):
            yield BadLine(number, key, reason)

    def add(self, todo: Todo) -> None:
        """Keep a line that is to be called."""
        queue = self._queues.setdefault(QueueName(todo.vendor, todo.urgent), len(self._queues))
        row = (queue, todo.number, todo.offset, todo.occurrence, todo.key, todo.tenant, todo.attempt, todo.failed)
        self._db.execute("INSERT INTO todo VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def todo(self, queue: QueueName) -> Iterator[Todo]:
        """Return the lines of a queue that are to be called, in their order."""
        last = 0
        page = (
            "SELECT number, offset, occurrence, key, tenant, attempt, failed FROM todo WHERE queue = ? AND number > ?"
        )
        while rows := self._db.execute(f"{page} ORDER BY number LIMIT {_PAGE}", (self._queues[queue], last)).fetchall():
            for number, offset, occurrence, key, tenant, attempt, failed in rows:
                yield Todo(number, offset, occurrence, key, queue.vendor, queue.urgent, tenant, attempt, failed)
                last = number
