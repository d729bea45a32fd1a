"""Which call a request is for, and which attempt at it (hop 2).

A call is what one state of one execution asks for: its ID follows from there, so that no two calls share one, whatever
authors name their executions. A retry, a redrive, and a message that comes twice are the same call. Machine and tenant
are part of it: nobody can name the call of another.

An attempt is one task that waits for the call, known by its token. The ID of a call is also the idempotency key.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import Malformed

CALL_VENDOR_STATE: Final = "CallVendor"
"""The state of `workflows/call_vendor.asl.json` that asks for the call."""
GROUP_LENGTH: Final = 128
"""Characters of a message group (SQS API reference, MessageGroupId)."""
EXECUTION_BYTES: Final = 2_048
"""The longest key of an index (DynamoDB's quotas): by its execution a call is found. An ARN has a few hundred."""
DIGITS: Final = 32
"""Hexadecimal digits of an ID: 128 bits, which no two calls of all times share by chance."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a call was asked for: the ARNs of machine and execution, the state's name, and the number of a Map's item,
    or whatever else the author tells the items by; empty outside of a Map.
    """

    machine: str
    execution: str
    state: str
    item: str = ""

    @property
    def step(self) -> str:
        """Return the state, and the item."""
        return f"{self.state}/{self.item}" if self.item else self.state

    @classmethod
    def of_document(cls, document: Any) -> Self:
        """Read the field `call` of a request. Malformed names what is missing."""
        if not isinstance(document, Mapping):
            raise Malformed("`call` must be an object with `machine`, `execution` and `state`")
        named: dict[str, str] = {}
        for name in ("machine", "execution", "state"):
            value = document.get(name)
            if not isinstance(value, str) or not value:
                raise Malformed(f"`call.{name}` must be a non-empty string")
            named[name] = value
        if len(named["execution"].encode(errors="surrogatepass")) > EXECUTION_BYTES:
            raise Malformed(f"`call.execution` must be the ARN of an execution: it has over {EXECUTION_BYTES:,} bytes")
        item = document.get("item")
        if item is not None and (isinstance(item, bool) or not isinstance(item, (str, int))):
            raise Malformed("`call.item` must be a string or a whole number")
        return cls(**named, item="" if item is None else str(item))

    def as_document(self) -> Mapping[str, str]:
        """Return what `of_document` reads."""
        named = {"machine": self.machine, "execution": self.execution, "state": self.state}
        return {**named, "item": self.item} if self.item else named


def asked_by_call_vendor(execution_arn: str) -> CallSite:
    """Return where an execution of `call_vendor` asks for its call."""
    machine_arn, _, _ = execution_arn.replace(":execution:", ":stateMachine:", 1).rpartition(":")
    return CallSite(machine_arn, execution_arn, CALL_VENDOR_STATE)


def group_of(tenant: str | None, machine_name: str) -> str:
    """Return the message group in which `call_vendor` puts its request: its tenant, else the machine; what SQS does not
    take in a group's name becomes a hyphen.
    """
    return re.sub("[^!-~]", "-", tenant or machine_name)[:GROUP_LENGTH]


def call_id_of(place: CallSite, tenant: str, payload: Mapping[str, Any] | None = None) -> str:
    """Return the ID of the call that was asked for at a place, by a tenant (its message group; empty for none).

    In a Map the payload counts, too: of nested ones the context names the innermost item only.
    """
    parts = [place.machine, tenant, place.execution, place.state, place.item]
    return _digest(_canonical([*parts, payload] if place.item else parts))


def attempt_of(waiter: Waiter) -> str:
    """Return the ID of the attempt whose task waits; the token cannot be told from it."""
    return _digest(waiter.encode())


def idempotency_key_of(call_id: str, round_number: int) -> str:
    """Return what tells the vendor that it is the same job: of a later round, which is to be another, another."""
    return f"{call_id}-{round_number}" if round_number else call_id


def _canonical(value: Any) -> bytes:
    """Write a JSON value so that equal values are equal texts, whoever has written them on the way: Step Functions
    keeps neither the order of fields nor `1.0`.
    """
    return json.dumps(json.loads(json.dumps(value), parse_float=_number), sort_keys=True).encode()


def _number(text: str) -> float:
    """Read a number; a whole one is an integer."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:DIGITS]
