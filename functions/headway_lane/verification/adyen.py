"""Adyen: a signature in each event of the body, over some of its fields (docs.adyen.com, "Verify HMAC signatures").

HMAC-SHA256 with a hexadecimal key over the fields' values, parted by colons; there is no timestamp, so an old delivery
verifies for ever. It does no harm: the first answer to a job is the only one.
"""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headway_lane.contract import paths
from headway_lane.runtime.errors import Forged
from headway_lane.verification.proof import any_equal, as_bytes, hex_key, usable

EVENTS: Final = "notificationItems"
ITEM: Final = "NotificationRequestItem"
SIGNATURE: Final = "additionalData.hmacSignature"
SIGNED: Final = (
    "pspReference",
    "originalReference",
    "merchantAccountCode",
    "merchantReference",
    "amount.value",
    "amount.currency",
    "eventCode",
    "success",
)


def verify(
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[str],
    received_epoch_s: float,
    url: str = "",
    query: object = None,
) -> None:
    """Return where every event of the body is signed by one of `keys`; see `verification.Verify`."""
    del headers, received_epoch_s, url, query
    hexadecimal = usable(keys, hex_key)
    for item in _items(body):
        given = paths.read(item, SIGNATURE)
        if not isinstance(given, str):
            raise Forged(f"an event has no `{SIGNATURE}`")
        if not any_equal([sign(item, key) for key in hexadecimal], [given]):
            raise Forged("the signature of an event matches no key")


def sign(item: Mapping[str, Any], key: bytes) -> str:
    """Return the signature of one event; what is not there counts as empty."""
    values = (paths.word(paths.read(item, path)) for path in SIGNED)
    text = ":".join("" if value is None else value for value in values)
    return base64.b64encode(hmac.digest(key, as_bytes(text), "sha256")).decode()


def _items(body: bytes) -> list[Mapping[str, Any]]:
    try:
        items = paths.read(json.loads(body), EVENTS)
    except (ValueError, RecursionError) as error:
        raise Forged("the body that should carry signatures is not JSON") from error
    if not isinstance(items, list) or not items:
        raise Forged(f"the body has no events at `{EVENTS}` that could be signed")
    found = [paths.read(item, ITEM) for item in items]
    if not all(isinstance(item, Mapping) for item in found):
        raise Forged(f"an event has no `{ITEM}`")
    return found
