"""The numbers of a plan in their order, and how a formula is written with its numbers put in.

The texts stand beside what computes the numbers (`headway_lane.contract.formula`); tests evaluate every text with its
numbers and compare. `x` multiplies.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Final

_TERM: Final = re.compile(r"[a-z_][a-z_0-9]*")
_OPERATORS: Final = frozenset({"x", "min", "max", "ceil", "floor"})
_SHORT: Final = 8
"""So many characters of a decimal are easier to read than a fraction."""
_LARGEST_DENOMINATOR: Final = 1_000_000


class Group(StrEnum):
    """The parts of a plan, in order."""

    CONTRACT = "contract"
    PARAMETERS = "five parameters, and what drains the queue (value: recommended)"
    PERMITS = "permits"
    FORECAST = "forecast"
    WORKERS = "workers"
    TIMEOUTS = "timeouts"
    PROXY = "proxy"


ORDER: Final[Mapping[Group, tuple[str, ...]]] = {
    Group.CONTRACT: (
        "max_rps",
        "soft_limit_count",
        "calls_per_job_count",
        "lasting_rps",
        "jobs_in_flight",
        "urgent_limit_count",
    ),
    Group.PARAMETERS: (
        "batch_size",
        "batching_window_s",
        "maximum_concurrency",
        "urgent_concurrency",
        "reserved_concurrency",
        "provisioned_concurrency",
        "trigger",
        "interval_minutes",
    ),
    Group.PERMITS: ("emission_interval_us", "stall_s", "chunk_count", "writes_per_call", "pause_us"),
    Group.FORECAST: ("predicted_rps", "held_s", "utilisation", "utilisation_limit", "backlog_s", "map_concurrency"),
    Group.WORKERS: (
        "caller_count",
        "dispatchers_count",
        "batched_count",
        "batch_hold_at_pace_s",
        "dispatcher_timeout_s",
        "caller_timeout_s",
        "caller_task_timeout_s",
        "results_concurrency",
        "results_timeout_s",
    ),
    Group.TIMEOUTS: (
        "request_visibility_s",
        "call_heartbeat_s",
        "call_timeout_s",
        "in_flight_expiry_s",
        "results_visibility_s",
        "fetch_heartbeat_s",
        "fetch_timeout_s",
        "workflow_timeout_s",
        "record_ttl_s",
    ),
    Group.PROXY: ("fence_rate_per_s", "fence_burst_count", "poll_fence_rate_per_s", "poll_fence_burst_count"),
}
SET_BY_HAND: Final = {"predicted_rps": "rate_per_s"}
"""What the operator sets that a number is to be compared with; each of the parameters is compared with itself."""


def replace_terms(text: str, write: Callable[[str], str]) -> str:
    """Return a formula with each of its names written otherwise; operators stay."""
    return _TERM.sub(lambda found: found.group() if found.group() in _OPERATORS else write(found.group()), text)


def with_numbers(text: str, terms: Mapping[str, float]) -> str:
    """Return a formula with its terms put in; exactly, where rounding could change the result."""
    exact = "ceil" in text or "floor" in text
    return replace_terms(text, lambda name: number(terms[name], exact=exact))


def number(value: float, *, exact: bool = False) -> str:
    """Write a number: whole ones in full, others with six digits, or as a decimal or fraction of exactly that value."""
    if float(value).is_integer():
        return str(int(value))
    if not exact:
        return f"{value:.6g}"
    fraction = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    if len(repr(value)) > _SHORT and fraction.numerator / fraction.denominator == value:
        return f"({fraction.numerator} / {fraction.denominator})"
    return repr(value)
