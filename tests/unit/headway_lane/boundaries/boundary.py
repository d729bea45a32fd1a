"""What a boundary is: a service's limit, and a way on which a text goes over it.

The limits are the services' own, as they count: a text has its bytes in UTF-8, however it was escaped on the wire; a
message has its attributes too, an item its attributes' names.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from headway_lane.runtime.errors import ErrorCode

_NO_SQS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NUMBER_BYTES: Final = 21
"""The most that a number has in an item (DynamoDB developer guide, "Item sizes and formats")."""


@dataclass(frozen=True)
class Limit:
    """How much a service takes, and who says so."""

    size_bytes: int
    source: str


STATE_DATA = Limit(262_144, "botocore: SensitiveData; Step Functions developer guide, quotas: bytes of UTF-8")
CAUSE = Limit(32_768, "botocore: SensitiveCause; it does not say what a character is, and no text has more than bytes")
MESSAGE = Limit(1_048_576, "botocore: SendMessageRequest.MessageBody; SQS developer guide: attributes included")
ITEM = Limit(409_600, "DynamoDB developer guide, quotas: 400 KB, names included")
KEY = Limit(2_048, "DynamoDB developer guide, quotas: a partition key, of a table or of an index")
LIMITS: Final = (STATE_DATA, CAUSE, MESSAGE, ITEM, KEY)


class Fate(StrEnum):
    """What became of a text at a boundary."""

    INTACT = "intact"
    CLAIMED = "claimed"
    """A claim check went over, and it stands for the text."""
    CUT = "cut"
    """A beginning of it went over; for texts that people read."""
    REFUSED = "refused"


@dataclass(frozen=True)
class Sent:
    """What became of a text, and what went over: how much of which limit. `error` is the name of a refusal."""

    fate: Fate
    went: Sequence[tuple[Limit, int]]
    error: ErrorCode | None = None


@dataclass(frozen=True)
class Boundary:
    """A way on which outsiders' texts go over to a service.

    `calls` are the calls of a client that it makes, as `<file>: <method>`. `plain` says how many bytes a text comes to
    at the place where `guard` decides, `switch_bytes` up to how many it goes as it is, but for `slack_bytes` that are
    kept free; beyond them its fate is `beyond`, with `error` where that is a refusal.
    """

    name: str
    limit: Limit
    calls: tuple[str, ...]
    guard: str
    switch_bytes: int
    plain: Callable[[str], int]
    send: Callable[[str], Sent]
    beyond: Fate
    error: ErrorCode | None = None
    slack_bytes: int = 0
    halves: bool = False
    """Whether halves of surrogate pairs come here: JSON can spell them."""
    let_in: bool = False
    """Whether it is a message's own body, so that SQS has let its characters in before."""


def text_bytes(text: str) -> int:
    """Count a text as services do."""
    return len(text.encode())


def json_bytes(text: str) -> int:
    """Count a text as a JSON string: what UTF-8 or SQS does not take is escaped, six bytes each."""
    escaped = json.dumps(text, ensure_ascii=False)
    return len(re.sub("[\ud800-\udfff\ufffe\uffff]", "......", escaped).encode())


def message_bytes(params: Mapping[str, Any]) -> int:
    """Count a message as SQS does: names, types and values of its attributes, too.

    SQS refuses none of its characters.
    """
    attributes: Mapping[str, Any] = params.get("MessageAttributes", {})
    spoken = [params["MessageBody"]]
    for name, attribute in attributes.items():
        spoken += [name, attribute["DataType"], attribute["StringValue"]]
    assert not any(_NO_SQS.search(text) for text in spoken), "SQS: InvalidMessageContents"
    return sum(map(text_bytes, spoken))


def item_bytes(item: Mapping[str, Any]) -> int:
    """Count an item as DynamoDB does, numbers as long as they can be."""
    return sum(text_bytes(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Any) -> int:
    if isinstance(value, str):
        return text_bytes(value)
    return sum(map(_value_bytes, value)) if isinstance(value, (set, list)) else NUMBER_BYTES


def filled(unit: str, boundary: Boundary, target_bytes: int) -> str:
    """Return a text of repeated units, filled up by `x` so that it comes to `target_bytes` there."""
    unit = _NO_SQS.sub("?", unit) if boundary.let_in else unit
    base_bytes = boundary.plain("")
    unit_bytes = boundary.plain(unit) - base_bytes
    count, rest = divmod(target_bytes - base_bytes, unit_bytes)
    rest_bytes = boundary.plain("x") - base_bytes
    assert rest_bytes == 1
    return unit * count + "x" * rest
