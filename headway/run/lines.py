"""A line of the input: JSON in, the input of one execution and a key out. Pure.

A key names what a line asks for, not how soon, for whom, or where it stands: the second of two identical lines has a
key of its own, and a line keeps its key when lines around it come and go.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headway_lane.messages.claim import CARRIED_BYTES, LARGEST_BYTES, STATE_BYTES, Claim, requests_folder

_FIELDS: Final = ("payload", "vendor", "urgent", "tenant")
_WRITE: Final = 'write {"payload": {...}}'


@dataclass(frozen=True, slots=True)
class Route:
    """Where the lines of a file go.

    `place` tells clouds apart (account and region) and `source` files: both are part of a key, so that what succeeded
    on the embedded cloud is called anew on AWS. `default_vendor`, `urgent` and `tenant` are for lines that do not say;
    `urgent_vendors` have an urgent queue; those that take claim checks are in `claims_buckets`, with their buckets.
    """

    workflow: str
    vendors: tuple[str, ...]
    default_vendor: str | None
    place: str
    source: str
    urgent_vendors: frozenset[str] = frozenset()
    claims_buckets: Mapping[str, str] = field(default_factory=dict)
    urgent: bool = False
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class InputLine:
    """A line that can be called; `execution_input` is JSON text, `occurrence` counts the equal lines before it.

    `claim` is where `claimed`, a payload that is too large for it, has to lie before the call.
    """

    number: int
    key: str
    vendor: str
    execution_input: str
    urgent: bool = False
    tenant: str | None = None
    occurrence: int = 0
    claim: Claim | None = None
    claimed: bytes = b""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot; `reason` is one line with file:line, the field and the correction."""

    number: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Asked:
    payload: dict[str, Any]
    vendor: str
    urgent: bool
    tenant: str | None


class _UnusableError(Exception):
    """What is wrong with a line, and how to correct it."""


def read_line(
    number: int, raw: bytes, route: Route, *, name: str, occurrence: Callable[[str], int]
) -> InputLine | BadLine:
    """Read a line of a file that is called `name`; `occurrence` is asked how many equal lines came before it."""
    try:
        asked = _read(raw, route)
        execution_input, claim, claimed = _execution_input(asked, route)
    except _UnusableError as error:
        digest = _digest(raw)
        return BadLine(number, _key(route, "", digest, occurrence(f"/{digest}")), f"{name}:{number}: {error}")
    digest = _digest(json.dumps(asked.payload, sort_keys=True, separators=(",", ":")).encode())
    before_count = occurrence(f"{asked.vendor}/{digest}")
    key = _key(route, asked.vendor, digest, before_count)
    return InputLine(
        number, key, asked.vendor, execution_input, asked.urgent, asked.tenant, before_count, claim, claimed
    )


def _read(raw: bytes, route: Route) -> _Asked:
    try:
        line = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _UnusableError(f"byte {error.start + 1} is not UTF-8; save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise _UnusableError(f"not JSON: {error.msg} at column {error.colno}; {_WRITE} on one line") from error
    except (ValueError, RecursionError) as error:
        raise _UnusableError(f"not readable JSON: {error}") from error
    if not isinstance(line, dict):
        raise _UnusableError(f"the line is {_kind(line)}; {_WRITE}")
    if unknown := sorted(set(line) - set(_FIELDS)):
        raise _UnusableError(f"`{unknown[0]}` is not a field of a line; put it into `payload` or remove it")
    if not isinstance(line.get("payload"), dict):
        found = f"is {_kind(line['payload'])}" if "payload" in line else "is missing"
        raise _UnusableError(f"`payload` {found}; {_WRITE}")
    vendor = _vendor(line.get("vendor"), route)
    return _Asked(line["payload"], vendor, _urgent(line.get("urgent"), vendor, route), _tenant(line, route))


def _vendor(vendor: object, route: Route) -> str:
    known = ", ".join(route.vendors)
    if vendor is None and route.default_vendor is None:
        raise _UnusableError(f"`vendor` is missing; name one of {known}, or give --vendor")
    vendor = route.default_vendor if vendor is None else vendor
    if not isinstance(vendor, str) or vendor not in route.vendors:
        raise _UnusableError(
            f"`vendor` is {json.dumps(vendor)}, which {route.workflow} does not call; it calls {known}"
        )
    return vendor


def _urgent(urgent: object, vendor: str, route: Route) -> bool:
    urgent = route.urgent if urgent is None else urgent
    if not isinstance(urgent, bool):
        raise _UnusableError(f"`urgent` is {_kind(urgent)}; write true or false")
    if urgent and vendor not in route.urgent_vendors:
        raise _UnusableError(
            f"`urgent`: {vendor} has no urgent queue; leave it out, or set `dispatch.urgent_concurrency` there"
        )
    return urgent


def _tenant(line: dict[str, Any], route: Route) -> str | None:
    tenant = line.get("tenant", route.tenant)
    if tenant is None or (isinstance(tenant, str) and tenant):
        return tenant
    raise _UnusableError("`tenant` is no name; write text, or leave it out")


def _execution_input(asked: _Asked, route: Route) -> tuple[str, Claim | None, bytes]:
    """Return the input of an execution, and the claim check on a payload that it has no room for."""
    payload, claim = _text(asked.payload).encode(), None
    document: dict[str, Any] = {"payload": asked.payload}
    if len(payload) > CARRIED_BYTES:
        claim = _claim(payload, asked.vendor, route)
        document["payload"] = claim.pointer()
    if asked.urgent:
        document["urgent"] = True
    if asked.tenant is not None:
        document["tenant"] = asked.tenant
    text = _text(document)
    if len(text.encode()) > STATE_BYTES:  # a payload that is not claimed leaves room for any name
        raise _UnusableError(
            f"`tenant` makes it more than the {STATE_BYTES:,} bytes of an execution's input; shorten it"
        )
    return text, claim, payload if claim else b""


def _claim(payload: bytes, vendor: str, route: Route) -> Claim:
    size = f"`payload` has {len(payload):,} bytes, over "
    if vendor not in route.claims_buckets:
        raise _UnusableError(f"{size}{CARRIED_BYTES:,}, and no function of {vendor} reads a claim check; send less")
    if len(payload) > LARGEST_BYTES:
        raise _UnusableError(f"{size}API Gateway's {LARGEST_BYTES:,}; store the large part and send its URL")
    return Claim.on(payload, route.claims_buckets[vendor], requests_folder(vendor))


def _text(document: Any) -> str:
    """Write JSON that every reader takes."""
    try:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except UnicodeEncodeError as error:
        raise _UnusableError("`payload` has half of a surrogate pair; write the whole character") from error
    except ValueError as error:
        raise _UnusableError(
            "`payload` has a number that JSON cannot say (NaN or Infinity); use null or text"
        ) from error
    return text


def _key(route: Route, vendor: str, digest: str, before_count: int) -> str:
    """Return 24 hex digits: 96 bits, so that two of a billion lines meet with a chance of 1 in 10^11."""
    parts = [route.place, route.source, route.workflow, vendor, digest, before_count]
    return _digest(json.dumps(parts).encode())[:24]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
