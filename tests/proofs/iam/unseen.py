"""The grants that no scenario leans on: each is in `unseen.yaml`, with its reason and the test that stands for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Self

import yaml

from tests.checkout import ROOT
from tests.proofs.iam.grants import Grant

LIST: Final = Path(__file__).with_name("unseen.yaml")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list: `grant` is a pattern of "role action resource", `test` is "file::name"."""

    grant: str
    reason: str
    test: str

    def covers(self, grant: Grant) -> bool:
        """Return whether it is about a grant."""
        return fnmatchcase(f"{grant.role} {grant.action} {grant.resource}", self.grant)

    @property
    def has_its_test(self) -> bool:
        """Return whether the test that it names is there."""
        file, _, name = self.test.partition("::")
        path = ROOT / file
        return path.is_file() and f"def {name}(" in path.read_text()


@dataclass(frozen=True, slots=True)
class Unseen:
    """The whole list."""

    rows: tuple[Row, ...]

    @classmethod
    def read(cls, path: Path = LIST) -> Self:
        """Read a file."""
        return cls(tuple(Row(**row) for row in yaml.safe_load(path.read_text()) or ()))

    def has(self, grant: Grant) -> bool:
        """Return whether a row is about a grant."""
        return any(row.covers(grant) for row in self.rows)

    def idle(self, unseen: Iterable[Grant]) -> list[str]:
        """Return the patterns that are about none of the grants that were not seen: rows that have to go."""
        grants = list(unseen)
        return [row.grant for row in self.rows if not any(row.covers(grant) for grant in grants)]

    def without_test(self) -> list[str]:
        """Return the tests that rows name and that are not there."""
        return [row.test for row in self.rows if not row.has_its_test]
