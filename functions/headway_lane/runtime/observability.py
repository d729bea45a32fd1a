"""Logs and metrics of every function. Log lines are a fixed phrase with data in keys, never an event, body or token."""

from collections import Counter
from functools import cache
from typing import Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from headway_lane.limiter.core.signals import Reason
from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric

COOL_DOWNS: Final = {
    Reason.RETRY_AFTER: Metric.COOL_DOWNS_RETRY_AFTER,
    Reason.RATE_LIMIT_HEADER: Metric.COOL_DOWNS_RATE_LIMIT_HEADER,
    Reason.HTTP_429: Metric.COOL_DOWNS_HTTP_429,
    Reason.CIRCUIT: Metric.COOL_DOWNS_CIRCUIT,
}


@cache
def logger() -> Logger:
    """Return the logger of this worker."""
    return Logger(service=SERVICE)


def cool_down_counts(cool_downs: Counter[Reason]) -> Counter[Metric]:
    """Name the cool-downs that a call has caused; those of others are theirs to count."""
    return Counter({COOL_DOWNS[reason]: count for reason, count in cool_downs.items() if count})


def publish(vendor: str, counts: Counter[Metric]) -> None:
    """Write counts as one embedded-metric line with the dimensions `service` and `vendor`; nothing where none."""
    if not counts.total():
        return
    metrics = EphemeralMetrics(namespace=METRIC_NAMESPACE, service=SERVICE)
    metrics.add_dimension(name="vendor", value=vendor)
    for metric, count in counts.items():
        metrics.add_metric(name=metric, unit=MetricUnit.Count, value=count)
    metrics.flush_metrics()
