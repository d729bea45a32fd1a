"""Logs and metrics of every function. Log lines are a fixed phrase with data in keys, never an event, body or token."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric

NOTHING: Final[Mapping[Metric, Sequence[float]]] = {}


@cache
def logger() -> Logger:
    """Return the logger of this worker."""
    return Logger(service=SERVICE)


def publish(vendor: str, counts: Counter[Metric], times_ms: Mapping[Metric, Sequence[float]] = NOTHING) -> None:
    """Write counts, and times one by one so that CloudWatch gives their quantiles, as one embedded-metric line with the
    dimensions `service` and `vendor`; nothing where there are none.
    """
    if not counts.total() and not any(times_ms.values()):
        return
    metrics = EphemeralMetrics(namespace=METRIC_NAMESPACE, service=SERVICE)
    metrics.add_dimension(name="vendor", value=vendor)
    for metric, count in counts.items():
        metrics.add_metric(name=metric, unit=MetricUnit.Count, value=count)
    for metric, each_ms in times_ms.items():
        for time_ms in each_ms:
            metrics.add_metric(name=metric, unit=MetricUnit.Milliseconds, value=time_ms)
    metrics.flush_metrics()
