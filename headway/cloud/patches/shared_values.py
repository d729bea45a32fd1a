"""Items of tables share what they have in common: names of attributes, and values that repeat.

An attribute of an item takes 330 bytes in ministack, of which the value itself is the least: a record of 20 attributes,
and a call has two, would be 7 KB. Here a name is one text for all items, and so is a short value, as long as it is
among the last that came: the vendor, a state, a tenant, a version of a format. ministack works on copies of items, and
never changes a value that is no list or map.
"""

import sys
from collections.abc import Mapping
from typing import Any, Final

from ministack.services import dynamodb

KEPT_COUNT: Final = 1_000
"""Values that are remembered. When there are more all are forgotten: what repeats is soon there again."""
LONGEST_CHARS: Final = 100
"""Of a value that is remembered."""
SCALARS: Final = ("S", "N", "BOOL", "NULL")

Item = dict[str, Any]


class SharedValues:
    """The values that were seen last."""

    def __init__(self, kept_count: int = KEPT_COUNT) -> None:
        self._kept_count = kept_count
        self._values: dict[tuple[str, Any], Mapping[str, Any]] = {}

    def item(self, item: Mapping[str, Any]) -> Item:
        """Return an item with shared names and values."""
        return {sys.intern(name): self._value(value) for name, value in item.items()}

    def _value(self, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) != 1:
            return value
        [(kind, content)] = value.items()
        if kind not in SCALARS or len(str(content)) > LONGEST_CHARS:
            return value
        if len(self._values) >= self._kept_count:
            self._values.clear()
        return self._values.setdefault((kind, content), value)


def apply() -> None:
    """Share where an item is stored."""
    store, shared = dynamodb._set_item, SharedValues()

    def store_shared(table: Any, partition: Any, sort: Any, item: Item) -> Any:
        return store(table, partition, sort, shared.item(item))

    dynamodb._set_item = store_shared
