"""Tasks of a project's machines that wait for a lane: for which vendor, and how long a call that goes well may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headway_cdk.placeholders import PLACEHOLDER
from headway_lane.contract.vendor import Vendor

from headway.asl.model import State
from headway.validation.subject import Deployed


@dataclass(frozen=True, slots=True)
class WaitLimits:
    """Least TimeoutSeconds and HeartbeatSeconds; 0 where there is none. `progress_every_s` is the longest between two
    signs of life of the vendor, None where none come. `prefix` begins the placeholders of both limits.
    """

    timeout_s: int
    heartbeat_s: int
    prefix: str
    progress_every_s: int | None = None


def wait_limits_of(state: State, deployed: Deployed) -> WaitLimits | None:
    """Return the limits of a task that waits for a lane: by the queue or machine that its arguments name."""
    waits = state.waits_for_token or ".sync" in state.resource
    for name in PLACEHOLDER.findall(str(state.arguments)) if waits else ():
        bound = deployed.bound.get(name)
        vendor = deployed.vendors.get(bound.vendor) if bound else None
        if vendor is None:
            continue
        beginning = next((name.removesuffix(end) for end in _ENDINGS if name.endswith(end)), None)
        if beginning is not None:
            return _ENDINGS[name.removeprefix(beginning)](vendor, beginning)
    return None


def _of_call(vendor: Vendor, beginning: str) -> WaitLimits:
    every_s = vendor.callback.progress_every_s if vendor.callback else None
    return WaitLimits(vendor.call_timeout_s, vendor.call_heartbeat_s, f"{beginning}Call", every_s)


def _of_fetch(vendor: Vendor, beginning: str) -> WaitLimits:
    return WaitLimits(vendor.fetch_timeout_s, vendor.fetch_heartbeat_s, f"{beginning}Fetch")


def _of_machine(vendor: Vendor, _: str) -> WaitLimits:
    return WaitLimits(vendor.workflow_timeout_s, 0, "")


_ENDINGS = {
    "RequestQueueUrl": _of_call,
    "UrgentQueueUrl": _of_call,
    "ResultsQueueUrl": _of_fetch,
    "CallVendorArn": _of_machine,
}
"""How placeholders end that a task can wait for."""


def number_of(value: Any, bound: Mapping[str, Any]) -> float | None:
    """Return the number that a field is, or that its placeholder stands for; None where it is neither."""
    whole = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if whole and whole[1] in bound:
        value = bound[whole[1]].value
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
