"""A callback as a vendor of any contract writes and signs it: the reverse of `headway_lane.callback`.

In: an event and a key. Out: the bytes and the headers of a POST.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from headway_lane.contract import paths
from headway_lane.contract.exchange import CONTENT_TYPES, BodyFormat, Callback
from headway_lane.contract.signature import PUBLIC_KEY, QUERY, Algorithm, Signature
from headway_lane.verification import adyen
from headway_lane.verification.signature import computed, key_bytes
from headway_lane.verification.signed_text import Signed
from standardwebhooks import Webhook

from headway.errors import UsageProblem

STANDARD: Final = Callback.from_document({"job_id": "id", "verification": "standard-webhooks"})
"""A single JSON event, signed by Standard Webhooks."""


@dataclass(frozen=True, slots=True)
class SignedCallback:
    """What is posted."""

    content: bytes
    headers: Mapping[str, str]


def write(
    callback: Callback, key: str, message_id: str, event: Mapping[str, Any], url: str, now: datetime
) -> SignedCallback:
    """Write one event as the contract reads it, signed with `key` for its delivery to `url` at `now`."""
    if callback.verification == "adyen":
        item = event[adyen.ITEM]
        signed = paths.write(item, adyen.SIGNATURE, adyen.sign(item, bytes.fromhex(key)))
        event = {**event, adyen.ITEM: signed}
    document: Any = [event] if callback.events == "" else event
    if callback.events:
        document = paths.write({}, callback.events, [event])
    text = _form(document) if callback.body is BodyFormat.FORM else json.dumps(document, ensure_ascii=False)
    headers = {"content-type": CONTENT_TYPES[callback.body]}
    return SignedCallback(text.encode(), headers | sign(callback.verification, key, message_id, text, url, now))


def _form(document: Mapping[str, Any]) -> str:
    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in document.items()}
    return urlencode(fields)


def sign(
    verification: str | Signature, key: str, message_id: str, text: str, url: str, now: datetime
) -> dict[str, str]:
    """Return the headers that sign a body; none where signatures are in the body, or there are none."""
    timestamp = str(math.floor(now.timestamp()))
    if verification == "standard-webhooks":
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": Webhook(key).sign(msg_id=message_id, timestamp=now, data=text),
        }
    if not isinstance(verification, Signature):
        return {}  # in the body, or there is none
    if verification.algorithm is Algorithm.STATIC:
        return {verification.header: verification.prefix + key}
    if verification.algorithm in PUBLIC_KEY or any(name.startswith(QUERY) for name in verification.pieces):
        raise UsageProblem(f"the simulator cannot sign by {verification.algorithm}, or over values of the query")
    [usable] = key_bytes(verification, [key])
    others = {name: message_id for name in verification.headers if name not in verification.signature_headers}
    if verification.timestamp_header:
        others[verification.timestamp_header] = timestamp
    lowered = {name.lower(): said for name, said in others.items()}
    signed = Signed(lowered, {}, url, timestamp, text.encode())
    value = computed(verification, signed, usable)
    pairs = {verification.timestamp_label: timestamp, verification.signature_label: value}
    labelled = (verification.separator or ",").join(
        f"{label}{verification.label_separator}{text}" for label, text in pairs.items() if label
    )
    return {verification.header: labelled or verification.prefix + value} | others
