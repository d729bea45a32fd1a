"""The callback message (hop 9): what the callback API's mapping template makes of a partner's POST.

The raw body travels as base64, byte for byte: a queue carries text only, and a partner may send what is no UTF-8. The
vendor and the signature headers travel as message attributes, the headers as lines `name:value`: an SQS attribute may
not be empty, and an absent header must not fail the message.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from headway_lane.runtime.errors import Malformed
from headway_lane.runtime.formats import FORMAT_VERSION, Format

ENVELOPE: Final = Format("the callback message", version=1)
"""Its version is an attribute, beside vendor and headers."""
CALLBACK_VENDOR_ATTRIBUTE: Final = "vendor"
CALLBACK_HEADERS_ATTRIBUTE: Final = "headers"
"""SQS message attributes that the callback API's mapping template writes (hop 9)."""
QUERY_MARK: Final = "?"
"""Before the name of a value of the query; no header's name has it (RFC 9110, 5.6.2)."""
CALLBACK_RECEIVED_ATTRIBUTE: Final = "received_epoch_s"
"""Added to what is put aside: when it came in, so that the age of its signature is the same when it is replayed."""
CALLBACK_OUTCOME_ATTRIBUTE: Final = "outcome"
CALLBACK_REASON_ATTRIBUTE: Final = "reason"
"""Why a callback was put aside; what SQS itself has moved to the DLQ has neither."""
_EPOCH_S: Final = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?", re.ASCII)
_VERSION: Final = re.compile(r"[0-9]{1,4000}", re.ASCII)
"""Python reads no longer number (sys.int_info)."""


def mapping_template(vendor: str, headers: Sequence[str], query: Sequence[str] = ()) -> str:
    """Return the template that turns a POST into `SendMessage`. Values of the query have a mark before their name.

    Each header is asked for as its scheme spells it, in lower, and in title case: API Gateway looks names up as the
    sender spelled them. `$input.body` is base64 there: the API takes every media type as binary, and the integration
    converts it to text (API Gateway developer guide, "Content type conversions").
    """
    spellings = [spelling for header in headers for spelling in dict.fromkeys((header, header.lower(), header.title()))]
    asked = [*((name, name) for name in spellings), *((QUERY_MARK + name, name) for name in query)]
    lines = "\n".join(f"{line}:$input.params('{name}')" for line, name in asked)
    return (
        f'#set($headers = "{lines}\n")'
        "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
        + _attribute(1, CALLBACK_VENDOR_ATTRIBUTE, vendor)
        + _attribute(2, CALLBACK_HEADERS_ATTRIBUTE, "$util.urlEncode($headers)")
        + _attribute(3, FORMAT_VERSION, str(ENVELOPE.version))
    )


def _attribute(number: int, name: str, value: str) -> str:
    return (
        f"&MessageAttribute.{number}.Name={name}"
        f"&MessageAttribute.{number}.Value.DataType=String"
        f"&MessageAttribute.{number}.Value.StringValue={value}"
    )


@dataclass(frozen=True, slots=True)
class Envelope:
    """One callback as it came: nothing in it is trusted yet. Header names are lower case; absent ones are left out."""

    vendor: str
    headers: Mapping[str, str]
    body: bytes
    received_epoch_s: float
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a record of a Lambda event; Malformed where the attributes of our own template are missing.

        Raises NewerFormat, too.
        """
        attributes = record.get("messageAttributes", {})
        ENVELOPE.check(_version(attributes))
        try:
            vendor = attributes[CALLBACK_VENDOR_ATTRIBUTE]["stringValue"]
            lines = attributes[CALLBACK_HEADERS_ATTRIBUTE]["stringValue"].splitlines()
        except KeyError as error:
            raise Malformed(
                f"the message has no attribute {error}: it did not come through the callback API"
            ) from error
        said = [(name, value) for name, _, value in (line.partition(":") for line in lines) if value]
        headers = {name.lower(): value for name, value in said if not name.startswith(QUERY_MARK)}
        query = {name[len(QUERY_MARK) :]: value for name, value in said if name.startswith(QUERY_MARK)}
        return cls(vendor, headers, raw_body(record["body"]), received_epoch_s_of(record), query)


def _version(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the version as `Format.check` takes it; attributes are texts. What is no number stays what it is."""
    said = attributes.get(FORMAT_VERSION)
    if said is None:
        return {}
    text = str(said.get("stringValue"))
    return {FORMAT_VERSION: int(text) if _VERSION.fullmatch(text) else text}


def received_epoch_s_of(record: Mapping[str, Any]) -> float:
    """Return when the callback API took a callback: when its message was sent, or what a replayed one says of it, if
    that is a time.
    """
    said = record.get("messageAttributes", {}).get(CALLBACK_RECEIVED_ATTRIBUTE, {}).get("stringValue", "")
    if _EPOCH_S.fullmatch(said):
        return float(said)
    return int(record["attributes"]["SentTimestamp"]) / 1_000


def raw_body(text: str) -> bytes:
    """Return the bytes that a partner sent, from the body of a callback message.

    A text that is no base64 is taken as it is: AWS's table of conversions leaves open whether a textual media type is
    converted too. No JSON object is valid base64, and what is read wrongly fails its signature.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()
