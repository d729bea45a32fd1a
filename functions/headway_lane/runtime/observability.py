"""Logs and metrics of every function. Log lines are a fixed phrase with data in keys, never an event, body or token."""

from collections import Counter
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric


@cache
def logger() -> Logger:
    """Return the logger of this worker."""
    return Logger(service=SERVICE)


def publish(vendor: str, counts: Counter[Metric]) -> None:
    """Write counts as one embedded-metric line with the dimensions `service` and `vendor`; nothing where none."""
    if not counts.total():
        return
    metrics = EphemeralMetrics(namespace=METRIC_NAMESPACE, service=SERVICE)
    metrics.add_dimension(name="vendor", value=vendor)
    for metric, count in counts.items():
        metrics.add_metric(name=metric, unit=MetricUnit.Count, value=count)
    metrics.flush_metrics()
