"""The formulas of a plan, each once, beside the name of what it explains: text that names terms, and the terms put in.

The values themselves come from the code that the stack runs on (`facts`); tests evaluate every text with its numbers
and compare. `x` multiplies.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from headway_lane.contract.vendor import Drain, Pacing

from headway.planning.facts import Interval
from headway.planning.forecast import Bound

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


@dataclass(frozen=True, slots=True)
class Formula:
    """How one value comes about. Of several for one name, the one whose `when` agrees with the facts' words holds.

    `configured` names the term that is set by hand and that the value is to be compared with.
    """

    group: Group
    name: str
    text: str
    when: Mapping[str, str] = field(default_factory=dict)
    configured: str = ""
    note: str = ""

    def numbers(self, terms: Mapping[str, float]) -> str:
        """Return the text with its terms put in; exactly, where rounding could change the result."""
        exact = "ceil" in self.text or "floor" in self.text

        def put_in(match: re.Match[str]) -> str:
            name = match.group()
            return name if name in _OPERATORS else number(terms[name], exact=exact)

        return _TERM.sub(put_in, self.text)


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


_PERMITS: Final = {"pacing": Pacing.PERMITS}
_DELAY: Final = {"pacing": Pacing.DELAY}
_APART: Final = {"shared": "false"}
_SHARED: Final = {"shared": "true"}
_LIMITED: Final = {"in_flight": "limited"}
_UNSET: Final = "; chosen so where `dispatch.drain` says nothing"
_AROUND: Final = "lead_us + latency_us"

FORMULAS: Final = (
    Formula(Group.CONTRACT, "max_rps", "contract_amount / contract_per_s", note="the tightest limit on submits"),
    Formula(
        Group.CONTRACT,
        "soft_limit_count",
        "floor(max_rps x tolerated_s)",
        _APART,
        note="an alarm where more calls wait in the queue",
    ),
    Formula(
        Group.CONTRACT,
        "soft_limit_count",
        "floor(lasting_rps x tolerated_s)",
        _SHARED,
        note="an alarm where more calls wait in the queue",
    ),
    Formula(
        Group.CONTRACT,
        "lasting_rps",
        "max_any_rps / 2",
        _SHARED,
        note="submits, reserved with their polls under all limits at once",
    ),
    Formula(
        Group.CONTRACT,
        "jobs_in_flight",
        "jobs_in_flight",
        _LIMITED,
        note="as sold: in-flight permits that calls take before their turns",
    ),
    Formula(
        Group.CONTRACT,
        "urgent_limit_count",
        "floor(soft_limit_count x urgent_concurrency / dispatchers_count)",
        note="an alarm where more urgent calls wait; 0 without an urgent queue",
    ),
    Formula(
        Group.PARAMETERS,
        "batch_size",
        "min(batch_limit, max(1, floor(max_rps x batch_hold_s / maximum_concurrency)))",
        {"recommended_drain": Drain.EVENT_SOURCE},
    ),
    Formula(
        Group.PARAMETERS,
        "batch_size",
        "min(batch_limit, ceil(max_rps x 60))",
        {"recommended_drain": Drain.SCHEDULE},
    ),
    Formula(
        Group.PARAMETERS,
        "batching_window_s",
        "0",
        note="what waits fills a batch by itself; a window delays the first call",
    ),
    Formula(
        Group.PARAMETERS,
        "maximum_concurrency",
        "max(least_concurrency, ceil(max_rps x start_s) + 1)",
        note="one takes the next batch while the others wait for their slots",
    ),
    Formula(
        Group.PARAMETERS,
        "urgent_concurrency",
        "least_concurrency",
        _PERMITS,
        note="dispatchers of the urgent queue, which reserve like the others",
    ),
    Formula(
        Group.PARAMETERS,
        "urgent_concurrency",
        "0",
        _DELAY,
        note="no urgent queue: the rate is divided by all dispatchers, idle ones too",
    ),
    Formula(
        Group.PARAMETERS,
        "reserved_concurrency",
        "maximum_concurrency + urgent_concurrency",
        note="a polled batch always finds a worker",
    ),
    Formula(
        Group.PARAMETERS,
        "provisioned_concurrency",
        "min(maximum_concurrency, floor(max_rps x cold_start_s / batch_size))",
        note="batches whose slots pass during a cold start",
    ),
    Formula(
        Group.PARAMETERS,
        "drain",
        "max_rps >= scheduled_below_rps",
        {"recommended_drain": Drain.EVENT_SOURCE},
        note=f"often enough for a dispatcher that polls{_UNSET}",
    ),
    Formula(
        Group.PARAMETERS,
        "drain",
        "max_rps < scheduled_below_rps",
        {"recommended_drain": Drain.SCHEDULE},
        note=f"so rare that a polling dispatcher would idle{_UNSET}",
    ),
    Formula(
        Group.PARAMETERS,
        "interval_minutes",
        "min(longest_interval_minutes, max(1, ceil(1 / max_rps / 60)))",
        {"schedule": "in question"},
        note="of the schedule",
    ),
    Formula(
        Group.PERMITS,
        "emission_interval_us",
        "ceil((ceil(interval_per_s x 1000000) + headroom_us) / interval_amount)",
        _PERMITS | {"interval": Interval.WINDOW},
        note="between two permits",
    ),
    Formula(
        Group.PERMITS,
        "emission_interval_us",
        "ceil(ceil(interval_per_s x 1000000) / (interval_amount x burst_factor))",
        _PERMITS | {"interval": Interval.LONG_WINDOW},
        note="between two permits of a burst; the quota bounds how many",
    ),
    Formula(
        Group.PERMITS,
        "emission_interval_us",
        "ceil(1000000 / rate_per_s)",
        _PERMITS | {"interval": Interval.OPERATOR},
        note="between two permits, by the operator's rate",
    ),
    Formula(
        Group.PERMITS,
        "stall_s",
        "(stall_span_us - stall_amount x emission_interval_us) / 1000000",
        _PERMITS | {"stall": "true"},
        note="nobody gets a permit for so long after a burst has used up the quota",
    ),
    Formula(
        Group.PERMITS, "chunk_count", "max(1, floor(chunk_us / emission_interval_us))", _PERMITS, note="per reservation"
    ),
    Formula(
        Group.PERMITS,
        "writes_per_call",
        "ceil(batch_size / chunk_count) / batch_size + late_writes",
        _PERMITS,
        note="to the reservations of permits; late_writes is 1 where every answer puts a floor",
    ),
    Formula(
        Group.PERMITS,
        "pause_us",
        "max(delay_ms x 1000, ceil(dispatchers_count x 1000000 / min(rate_per_s, max_rps)))",
        _DELAY,
        note="of one dispatcher between two calls",
    ),
    Formula(
        Group.FORECAST,
        "predicted_rps",
        "1000000 / emission_interval_us",
        {"bound": Bound.SPACING},
        configured="rate_per_s",
        note="bounded by spacing",
    ),
    Formula(
        Group.FORECAST,
        "predicted_rps",
        "slowest_quota_amount / slowest_span_us x 1000000",
        {"bound": Bound.QUOTA},
        configured="rate_per_s",
        note="bounded by a quota: the window and its grains",
    ),
    Formula(
        Group.FORECAST,
        "predicted_rps",
        "slowest_window_amount / (slowest_window_us + latency_us) x 1000000",
        {"bound": Bound.ANSWERS},
        configured="rate_per_s",
        note="bounded by slow answers, each taken for a late arrival",
    ),
    Formula(
        Group.FORECAST,
        "predicted_rps",
        "maximum_concurrency x 1000000 / pause_us",
        {"bound": Bound.DELAY},
        configured="rate_per_s",
        note="bounded by the dispatchers' pauses",
    ),
    Formula(
        Group.FORECAST,
        "predicted_rps",
        "batch_size / (interval_minutes x 60)",
        {"bound": Bound.SCHEDULE},
        configured="rate_per_s",
        note="bounded by the schedule: one batch per interval",
    ),
    Formula(
        Group.FORECAST,
        "predicted_rps",
        "slowest_reserved_rps / 2",
        {"bound": Bound.SHARED},
        configured="rate_per_s",
        note="bounded by the polls, which are reserved in the same reservations: one for each submit",
    ),
    Formula(
        Group.FORECAST,
        "predicted_rps",
        "jobs_in_flight / held_s",
        {"bound": Bound.JOBS_IN_FLIGHT},
        configured="rate_per_s",
        note="bounded by the jobs in flight",
    ),
    Formula(
        Group.FORECAST,
        "held_s",
        "turn_s + latency_s + job_s + freed_s",
        _LIMITED,
        note="how long a job holds its in-flight permit: its turn, the submit, the vendor's work, the way back",
    ),
    Formula(Group.FORECAST, "utilisation", "predicted_rps / max_rps"),
    Formula(
        Group.FORECAST,
        "utilisation_limit",
        "1 / (1 + headroom_us / (interval_per_s x 1000000))",
        _PERMITS | {"interval": Interval.WINDOW},
        note="what the headroom leaves, before the interval is rounded up",
    ),
    Formula(
        Group.FORECAST,
        "backlog_s",
        f"((backlog_count - 1) x emission_interval_us + {_AROUND}) / 1000000",
        {"backlog_bound": Bound.SPACING},
        note="until the last call of the backlog is answered",
    ),
    Formula(
        Group.FORECAST,
        "backlog_s",
        "(floor((backlog_count - 1) / quota_amount) x span_us + rest_count x emission_interval_us"
        f" + {_AROUND}) / 1000000",
        {"backlog_bound": Bound.QUOTA},
        note="until the last call of the backlog is answered",
    ),
    Formula(
        Group.FORECAST,
        "backlog_s",
        f"((backlog_count - 1) x (window_us + latency_us) / window_amount + {_AROUND}) / 1000000",
        {"backlog_bound": Bound.ANSWERS},
        note="until the last call of the backlog is answered",
    ),
    Formula(
        Group.FORECAST,
        "backlog_s",
        "(ceil(backlog_count / maximum_concurrency) x pause_us + latency_us) / 1000000",
        {"backlog_bound": Bound.DELAY},
        note="until the last call of the backlog is answered",
    ),
    Formula(
        Group.FORECAST,
        "backlog_s",
        "ceil(backlog_count / batch_size) x interval_minutes x 60 + latency_us / 1000000",
        {"backlog_bound": Bound.SCHEDULE},
        note="until the last call of the backlog is answered",
    ),
    Formula(
        Group.FORECAST,
        "backlog_s",
        "2 x reserved_backlog_s",
        {"backlog_bound": Bound.SHARED},
        note="until the last call of the backlog is answered",
    ),
    Formula(
        Group.FORECAST,
        "backlog_s",
        "floor((backlog_count - 1) / jobs_in_flight) x held_s + turn_s + latency_s",
        {"backlog_bound": Bound.JOBS_IN_FLIGHT},
        note="until the last call of the backlog is answered",
    ),
    Formula(
        Group.WORKERS,
        "caller_count",
        "ceil(max_rps x (lead_s + latency_s))",
        _PERMITS,
        note="callers at one time (Little's law)",
    ),
    Formula(
        Group.WORKERS,
        "caller_count",
        "ceil(max_rps x latency_s)",
        _DELAY | {"way": "caller"},
        note="callers at one time (Little's law)",
    ),
    Formula(
        Group.WORKERS,
        "dispatchers_count",
        "maximum_concurrency + urgent_concurrency",
        note="at one time, for both queues",
    ),
    Formula(
        Group.WORKERS,
        "batch_hold_at_pace_s",
        "batch_size x dispatchers_count / paced_rps",
        _PERMITS,
        note="how long a batch occupies its dispatcher, under backlog in both queues",
    ),
    Formula(
        Group.WORKERS,
        "batch_hold_at_pace_s",
        "batch_size x maximum_concurrency / paced_rps",
        _DELAY,
        note="how long a batch occupies its dispatcher, under backlog",
    ),
    Formula(
        Group.WORKERS,
        "dispatcher_timeout_s",
        "min(900, ceil(batch_size x (dispatchers_count / max_rps)) + margin_s)",
        _PERMITS | _APART,
    ),
    Formula(
        Group.WORKERS,
        "dispatcher_timeout_s",
        "min(900, ceil(batch_size x (dispatchers_count / lasting_rps)) + margin_s)",
        _PERMITS | _SHARED,
    ),
    Formula(
        Group.WORKERS,
        "dispatcher_timeout_s",
        "min(900, ceil(batch_size x max(dispatchers_count / max_rps, longest_delay_s)) + margin_s)",
        _DELAY,
    ),
    Formula(
        Group.WORKERS,
        "caller_timeout_s",
        "ceil(max(submit_timeout_s, lookup_timeout_s)) + margin_s + patience_s",
        note="an attempt submits, or looks a job up where the contract has `lookup`",
    ),
    Formula(Group.WORKERS, "results_timeout_s", "ceil(result_timeout_s) + margin_s + patience_s"),
    Formula(
        Group.WORKERS,
        "reconciler_timeout_s",
        "ceil(check_batch_size x (patience_s + poll_timeout_s)) + margin_s",
        note="where the contract has `poll`",
    ),
    Formula(Group.TIMEOUTS, "request_visibility_s", "6 x dispatcher_timeout_s + batching_window_s"),
    Formula(
        Group.TIMEOUTS,
        "call_heartbeat_s",
        "max(tolerated_s, answer_s) + margin_s",
        {"way": "caller"},
        note="HeartbeatSeconds of the callback task",
    ),
    Formula(
        Group.TIMEOUTS,
        "call_heartbeat_s",
        "tolerated_s + answer_s + margin_s",
        {"way": "direct"},
        note="HeartbeatSeconds of the callback task",
    ),
    Formula(
        Group.TIMEOUTS,
        "call_timeout_s",
        "tolerated_s + answer_s + 2 x margin_s",
        note="TimeoutSeconds of the callback task",
    ),
    Formula(
        Group.TIMEOUTS,
        "in_flight_expiry_s",
        "call_timeout_s + margin_s",
        note="of an in-flight permit that nobody gave back, where jobs in flight are limited",
    ),
    Formula(Group.TIMEOUTS, "workflow_timeout_s", "call_timeout_s + 4 x (results_timeout_s + margin_s)"),
    Formula(Group.TIMEOUTS, "record_ttl_s", "2 x workflow_timeout_s + 7 x 24 x 3600", note="of the ledger"),
    Formula(Group.PROXY, "fence_rate_per_s", "fence_factor x fence_amount / fence_per_s", _PERMITS),
    Formula(Group.PROXY, "fence_rate_per_s", "max(fence_amount - fence_burst, 0.5) / fence_per_s", _DELAY),
    Formula(Group.PROXY, "fence_burst_count", "max(1, floor(fence_least_amount x burst_share))"),
    Formula(
        Group.PROXY,
        "poll_fence_rate_per_s",
        "poll_fence_factor x poll_fence_amount / poll_fence_per_s",
        _PERMITS | {"polls": "counted"},
    ),
    Formula(
        Group.PROXY,
        "poll_fence_rate_per_s",
        "max(poll_fence_amount - poll_fence_burst, 0.5) / poll_fence_per_s",
        _DELAY | {"polls": "counted"},
    ),
    Formula(
        Group.PROXY,
        "poll_fence_burst_count",
        "max(1, floor(poll_fence_least_amount x burst_share))",
        {"polls": "counted"},
    ),
)
