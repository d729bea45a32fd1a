"""Alarms look once a minute at their own metric; those of ministack mix all dimensions, and know no missing data.

What CloudWatch documents ("Alarm evaluation", "Configuring how CloudWatch alarms treat missing data"): an alarm is for
one metric with all its dimensions. Its last `EvaluationPeriods` periods are held against the threshold, and
`DatapointsToAlarm` of them ring it; missing ones are filled by TreatMissingData, but only where there are not enough
real ones in the evaluation range, which is longer. ministack asks at every PutMetricData, with one statistic over all
periods together. Metric math and anomaly detection are not here: our template uses none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from headway.cloud.strict._minutes import AWS_MINUTE_S, MINUTES

MORE_PERIODS_COUNT: Final = 2
"""By how many periods the evaluation range is longer: AWS's examples look at five for three."""
COMPARISONS: Final = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def verdict(breaches: Sequence[bool | None], n: int, m: int, treatment: str, state: str) -> str:
    """Return the state of an alarm that wants `m` of `n` datapoints.

    `breaches` are those of the evaluation range, newest first, None for a missing one; `state` is the one before.
    """
    real = [breach for breach in breaches if breach is not None][:n]
    if len(real) == n or treatment in {"breaching", "notBreaching"}:
        filled = real + [treatment == "breaching"] * (n - len(real))
        return "ALARM" if sum(filled) >= m else "OK"
    if not real:
        return state if treatment == "ignore" else "INSUFFICIENT_DATA"
    if treatment == "missing" and sum(real) >= m:
        return "ALARM"
    if not all(real):
        return "OK"
    # A premature alarm is one whose oldest breaching datapoint is younger than `m` periods.
    oldest = max(place for place, breach in enumerate(breaches) if breach)
    return "ALARM" if treatment == "missing" and oldest + 1 >= m else state


def breaches_of(alarm: Mapping[str, Any], points: Sequence[Mapping[str, Any]], now_s: float) -> list[bool | None]:
    """Hold the periods of an alarm's evaluation range against its threshold, newest first."""
    period_s = alarm["Period"] * MINUTES.length_s / AWS_MINUTE_S
    count = alarm["EvaluationPeriods"] + MORE_PERIODS_COUNT
    periods: list[list[Mapping[str, Any]]] = [[] for _ in range(count)]
    for point in points:
        age_s = now_s - point["Timestamp"]
        if 0 < age_s <= count * period_s:
            # A point belongs to the period that it begins: one that is a whole period old, to the newest.
            periods[min(count - 1, int((age_s - 1e-6) // period_s))].append(point)
    return [_breach(alarm, period) for period in periods]


def _breach(alarm: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> bool | None:
    statistics = cloudwatch._calc_stats(points)
    if not statistics:
        return None
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    value = cloudwatch._stat_value(statistics, name, points)
    compare = COMPARISONS.get(alarm["ComparisonOperator"])
    return None if value is None or compare is None else compare(value, alarm["Threshold"])


def evaluate(alarm: dict[str, Any], now_s: float) -> None:
    """Bring one alarm to the state that its metric asks for; a change is written down and told to its actions."""
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    n = alarm["EvaluationPeriods"]
    before = alarm["StateValue"]
    after = verdict(
        breaches_of(alarm, cloudwatch._metrics.get(key) or (), now_s),
        n,
        alarm.get("DatapointsToAlarm") or n,
        alarm.get("TreatMissingData") or "missing",
        before,
    )
    if after == before:
        return
    reason = f"Threshold Crossed: {alarm['MetricName']} {alarm['ComparisonOperator']} {alarm['Threshold']}: {after}"
    alarm.update(StateValue=after, StateReason=reason, StateUpdatedTimestamp=int(now_s))
    cloudwatch._record_history(alarm["AlarmName"], before, after, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, after, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _not_now(alarm: Mapping[str, Any]) -> None:
    """Leave it as it is: a request brings no alarm to another state."""


def _evaluate_all(now_s: float) -> None:
    for (account, region, _), alarm in list(cloudwatch._alarms._data.items()):
        if alarm.get("Namespace") and alarm.get("MetricName"):
            with request_scope(account, region):
                evaluate(alarm, now_s)


def apply() -> None:
    """Let alarms be evaluated at the end of every minute, and never in between."""
    cloudwatch._evaluate_alarm = _not_now
    MINUTES.listeners.append(_evaluate_all)
    MINUTES.tick()
