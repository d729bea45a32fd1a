"""A machine waits for its vendor as long as the contract says that a call may take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headway_cdk.placeholders import PLACEHOLDER
from headway_lane.contract.vendor import Vendor

from headway.asl.model import State
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Deployed, Subject


@dataclass(frozen=True, slots=True)
class _Limits:
    """Least TimeoutSeconds and HeartbeatSeconds; 0 where there is none."""

    timeout_s: int
    heartbeat_s: int
    prefix: str


def check(subject: Subject) -> Iterator[Hit]:
    """Find limits below the contract's, of tasks that wait for a lane, in a project's machine."""
    if subject.deployed is None:
        return
    for state in subject.tasks:
        limits = _limits_of(state, subject.deployed)
        if limits is None:
            continue
        for field, least_s in (("TimeoutSeconds", limits.timeout_s), ("HeartbeatSeconds", limits.heartbeat_s)):
            given = _number(state.fields.get(field), subject.deployed.bound)
            if given is not None and given < least_s:
                why = f"`{field}` is {given:g}, and by the contract a call that goes well may take {least_s} s"
                fix = f"make it {least_s} at least" + (f": `${{{limits.prefix}{field}}}`" if limits.prefix else "")
                yield Hit((*state.path, field), why, fix)


def _limits_of(state: State, deployed: Deployed) -> _Limits | None:
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


def _of_call(vendor: Vendor, beginning: str) -> _Limits:
    return _Limits(vendor.call_timeout_s, vendor.call_heartbeat_s, f"{beginning}Call")


def _of_fetch(vendor: Vendor, beginning: str) -> _Limits:
    return _Limits(vendor.fetch_timeout_s, vendor.fetch_heartbeat_s, f"{beginning}Fetch")


def _of_machine(vendor: Vendor, _: str) -> _Limits:
    return _Limits(vendor.workflow_timeout_s, 0, "")


_ENDINGS = {
    "RequestQueueUrl": _of_call,
    "UrgentQueueUrl": _of_call,
    "ResultsQueueUrl": _of_fetch,
    "CallVendorArn": _of_machine,
}
"""How placeholders end that a task can wait for."""


def _number(value: Any, bound: Mapping[str, Any]) -> float | None:
    whole = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if whole and whole[1] in bound:
        value = bound[whole[1]].value
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


RULE = LintRule(
    id="wait-too-short",
    severity=Severity.WARNING,
    title="A task gives up sooner than the contract allows a call to take",
    why="A backlog that the contract tolerates, or a job that is at work, outlasts the limit: the task fails, and the"
    " job is paid for.",
    fix="use the vendor's placeholders: they fit the contract",
    check=check,
)
