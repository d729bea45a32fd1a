"""What CloudWatch has of a lane's last minutes, and which of its alarms ring.

A minute's numbers are there a little behind its end, so the newest may lack; on AWS a metric of SQS is up to a few
minutes behind (SQS developer guide, "Available CloudWatch metrics").
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headway_cdk.names import lane_stack
from headway_cdk.published import PublishedLane
from headway_cdk.runbooks import SECTIONS, runbook_of
from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric

from headway.deployment.connection import Connection

MINUTES: Final = 5
PERIOD_S: Final = 60
AGE: Final = "ApproximateAgeOfOldestMessage"
CALLBACKS: Final = tuple(metric for metric in Metric if metric.startswith("Callbacks"))


@dataclass(frozen=True, slots=True)
class Ringing:
    """An alarm that rings: its name in the lane, since when in epoch seconds, and where it stands what to do."""

    alarm: str
    since_epoch_s: float
    runbook: str


@dataclass(frozen=True, slots=True)
class LaneMeasures:
    """The last MINUTES of one vendor: calls that it accepted per second, by minute, the newest first; age of the oldest
    request; callbacks by outcome (those that there were); the slowest hundredth of the ways from slot to socket. None
    where there is no number.
    """

    vendor: str
    accepted_per_s: Sequence[float]
    oldest_age_s: float | None
    callbacks: Mapping[str, int]
    slot_to_socket_p99_ms: float | None
    ringing: Sequence[Ringing]


def measures_of(connection: Connection, vendor: str, lane: PublishedLane, now_s: float) -> LaneMeasures:
    """Ask for what a lane's metrics and alarms say at an epoch second."""
    client = connection.target.client("cloudwatch")
    found = _values(client, _queries(vendor, lane), now_s)
    ages = [value for name, values in found.items() if name.startswith("age") for value in values[:1]]
    times = found["times"]
    return LaneMeasures(
        vendor=vendor,
        accepted_per_s=[value / PERIOD_S for value in found["accepted"]],
        oldest_age_s=max(ages) if ages else None,
        callbacks={
            metric: round(total)
            for number, metric in enumerate(CALLBACKS)
            if (total := sum(found[f"callbacks{number}"])) > 0
        },
        slot_to_socket_p99_ms=max(times) if times else None,
        ringing=[*ringing(connection, vendor)],
    )


def ringing(connection: Connection, vendor: str) -> Iterator[Ringing]:
    """Yield the alarms of a lane that ring."""
    prefix = f"{lane_stack(connection.stage.name, vendor)}-"
    pages = connection.target.client("cloudwatch").get_paginator("describe_alarms")
    for page in pages.paginate(AlarmNamePrefix=prefix, StateValue="ALARM"):
        for found in page["MetricAlarms"]:
            # CloudFormation calls it by its stack, its logical ID (path and hash), and a suffix.
            logical_id = found["AlarmName"].removeprefix(prefix)
            named = [name for name in SECTIONS if logical_id.startswith(f"Watch{name}")]
            alarm = max(named, key=len, default=logical_id)
            runbook = runbook_of(alarm) if named else ""
            yield Ringing(alarm, found["StateUpdatedTimestamp"].timestamp(), runbook)


def _queries(vendor: str, lane: PublishedLane) -> Iterator[dict[str, Any]]:
    dimensions = {"service": SERVICE, "vendor": vendor}
    yield _query("accepted", METRIC_NAMESPACE, Metric.CALLS_ACCEPTED, dimensions, "Sum")
    yield _query("times", METRIC_NAMESPACE, Metric.SLOT_TO_SOCKET, dimensions, "p99")
    for number, metric in enumerate(CALLBACKS):
        yield _query(f"callbacks{number}", METRIC_NAMESPACE, metric, dimensions, "Sum")
    for number, url in enumerate(lane.request_queue_urls):
        yield _query(f"age{number}", "AWS/SQS", AGE, {"QueueName": url.rpartition("/")[2]}, "Maximum")


def _query(name: str, namespace: str, metric: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, Any]:
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    measured = {"Namespace": namespace, "MetricName": str(metric), "Dimensions": named}
    return {"Id": name, "MetricStat": {"Metric": measured, "Period": PERIOD_S, "Stat": statistic}}


def _values(client: Any, queries: Iterator[dict[str, Any]], now_s: float) -> Mapping[str, Sequence[float]]:
    """Return the values of each query, the newest first."""
    asked = list(queries)
    end = datetime.fromtimestamp(now_s, tz=UTC)
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=asked,
        StartTime=end - timedelta(minutes=MINUTES),
        EndTime=end,
        ScanBy="TimestampDescending",
    )
    found: dict[str, list[float]] = {query["Id"]: [] for query in asked}
    for page in pages:
        for result in page["MetricDataResults"]:
            found[result["Id"]] += result["Values"]
    return found
