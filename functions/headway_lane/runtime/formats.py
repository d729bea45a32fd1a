"""Format versions: what travels and what is kept says by which version of its format it is written.

In the middle of a deployment, after a rollback, and from a queue that was kept, old and new code read each other's
messages and records. So that nothing is lost then, all of them keep one rule:

* A format is bumped with every change that the code before would misread. What says no version is of the first.
* Older versions are read for as long as one may lie in a queue or a table: 30 days; where that cannot be, it is refused
  at once and in the open, and the changelog says so.
* Who meets a version that is newer than its code neither uses nor changes what it found, and raises NewerFormat: a
  message goes back to its queue as it came, a record stays as it is. Then newer code comes, and goes on.
* Every version keeps what this takes: `format_version`, the keys of the tables, a call's `waiter`, and of a request
  `call_id`, `attempt`, `origin` and `task_token`.

A format's version is said once, where the format is.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from headway_lane.runtime.errors import Malformed, NewerFormat
from headway_lane.runtime.names import Metric

FORMAT_VERSION: Final = "format_version"
"""The field, or the attribute."""
FIRST: Final = 1
NEWER_FORMAT_REQUEUE_S: Final = 60
"""Delay of a message in a format that is newer than the code: about what a deployment takes to update a function."""
UNDERSTOOD: Final = f"(attribute_not_exists(#{FORMAT_VERSION}) OR #{FORMAT_VERSION} <= :{FORMAT_VERSION})"
"""A DynamoDB condition: the item is not newer than the version that the values name; see `Format.values`."""
NAMES: Final = {f"#{FORMAT_VERSION}": FORMAT_VERSION}
"""The names of UNDERSTOOD."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format, the version that this code writes, which is the newest that it reads, and the oldest that it reads:
    a later one where what came before lacks something that cannot be made up for.
    """

    name: str
    version: int
    oldest: int = FIRST

    @property
    def stamp(self) -> Mapping[str, int]:
        """Return what is written beside the other fields."""
        return {FORMAT_VERSION: self.version}

    @property
    def values(self) -> Mapping[str, int]:
        """Return the values of UNDERSTOOD."""
        return {f":{FORMAT_VERSION}": self.version}

    def check(self, written: Mapping[str, Any]) -> None:
        """Return where this code can read it. Raises NewerFormat, and Malformed where the version is no version."""
        version = written.get(FORMAT_VERSION, FIRST)
        if isinstance(version, bool) or not isinstance(version, (int, float, Decimal)):
            raise Malformed(f"`{FORMAT_VERSION}` of {self.name} must be a whole number from {FIRST}, or be left out")
        if not (version >= FIRST and version % 1 == 0):
            raise Malformed(f"`{FORMAT_VERSION}` of {self.name} is {version}; it must be a whole number from {FIRST}")
        if version < self.oldest:
            raise Malformed(
                f"{self.name} is written by version {version} of its format, and this code reads from {self.oldest}:"
                " let the lane run empty before such an upgrade"
            )
        if version > self.version:
            raise NewerFormat(
                f"{self.name} is written by version {version} of its format, and this code reads up to {self.version}:"
                " deploy the newer code",
                NEWER_FORMAT_REQUEUE_S,
            )


def note(counts: Counter[Metric], newer: NewerFormat) -> None:
    """Count and log what was left to newer code."""
    counts[Metric.FORMATS_NEWER] += 1
    from headway_lane.runtime.observability import logger  # here: who only reads names of fields loads no Powertools

    logger().warning("newer format left alone", reason=str(newer))
