"""Cool-downs as metrics: one count per reason for which a vendor's callers had to wait."""

from collections import Counter
from typing import Final

from headway_lane.limiter.core.signals import Reason
from headway_lane.runtime.names import Metric

COOL_DOWNS: Final = {
    Reason.RETRY_AFTER: Metric.COOL_DOWNS_RETRY_AFTER,
    Reason.RATE_LIMIT_HEADER: Metric.COOL_DOWNS_RATE_LIMIT_HEADER,
    Reason.HTTP_429: Metric.COOL_DOWNS_HTTP_429,
    Reason.UNREAD: Metric.COOL_DOWNS_UNREAD,
    Reason.CIRCUIT: Metric.COOL_DOWNS_CIRCUIT,
}


def cool_down_counts(cool_downs: Counter[Reason]) -> Counter[Metric]:
    """Count by metric the cool-downs that a call has caused. Those that others caused are counted by them."""
    return Counter({COOL_DOWNS[reason]: count for reason, count in cool_downs.items() if count})
