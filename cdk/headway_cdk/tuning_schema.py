"""The schema of one lane's tuning: that of all tunings, and what the lane's own numbers leave room for.

One document refuses at synth, in `headway tune` and in AppConfig's validator, so that all three say the same, and no
function has to run to say it: each bound is of one field, and follows from the contract.
"""

import math
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from headway_lane.contract.limits import Scope
from headway_lane.contract.timing import LONGEST_DELAY_S, MARGIN_S
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor

DIGITS: Final = 6
"""Of a rate in words and bounds: a rounding error is no breach."""


def tuning_schema(general: Mapping[str, Any], vendor: Vendor) -> Mapping[str, Any]:
    """Return the schema (draft 4) of a vendor's tuning, made of `tuning.schema.json`."""
    schema: dict[str, Any] = deepcopy(dict(general))
    fields = schema["properties"]
    most, usual = most_per_s(vendor), Tuning.default_of(vendor).rate_per_s
    fields["rate_per_s"]["minimum"] = min(fields["rate_per_s"]["minimum"], usual)  # of a contract that is as slow
    _bound(fields["rate_per_s"], {"maximum": most}, f"above the contract of {vendor.name}; make it {most:g} at most")
    if vendor.dispatch.by_permits:
        return schema
    batch, timeout_s = vendor.dispatch.batch_size, vendor.dispatcher_timeout_s
    each_s = (timeout_s - MARGIN_S) / batch
    too_slow = f"so slow that a batch of {batch} does not end within the dispatcher's timeout of {timeout_s} s; make it"
    least = min(usual, math.ceil(vendor.dispatch.dispatchers_count / each_s * 10**DIGITS) / 10**DIGITS)
    _bound(fields["rate_per_s"], {"minimum": least}, f"{too_slow} {least:g} at least")
    if each_s < LONGEST_DELAY_S:
        longest_ms = math.floor(each_s * 1_000)
        _bound(fields["delay_ms"], {"maximum": longest_ms}, f"{too_slow} {longest_ms} at most")
    return schema


def most_per_s(vendor: Vendor) -> float:
    """Return the contract's rate of submits as the most that a tuning may say, rounded up in its last digit."""
    return math.ceil(vendor.max_rps(Scope.SUBMIT) * 10**DIGITS) / 10**DIGITS


def _bound(field: dict[str, Any], bound: Mapping[str, Any], words: str) -> None:
    """Add a bound with its words: a schema of one way is what `configuration.broken_rule` reads words of."""
    field.setdefault("allOf", []).append({"description": words, "anyOf": [dict(bound)]})
