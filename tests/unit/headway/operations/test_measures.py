"""The last minutes of a lane and its alarms, in AWS's own shapes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from headway.deployment.connection import Connection
from headway.operations.measures import CALLBACKS, LaneMeasures, Ringing, measures_of
from tests.unit.headway.connections import MotoTarget, lane_of, stage_of

NOW_S = 1_800_000_000.0
SINCE = datetime(2026, 12, 1, tzinfo=UTC)
LANE = lane_of(request_queue_url="https://sqs/1/requests", urgent_queue_url="https://sqs/1/urgent")


@dataclass(frozen=True)
class WatchTarget(MotoTarget):
    """CloudWatch as the test has it."""

    cloudwatch: Any = field(default_factory=lambda: boto3.client("cloudwatch", region_name="us-east-1"))

    def client(self, name: str) -> Any:
        return self.cloudwatch if name == "cloudwatch" else super().client(name)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Connection, Stubber]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    target = WatchTarget()
    with Stubber(target.cloudwatch) as stubber:
        yield Connection("aws", target, stage_of({"acme": LANE})), stubber


def result(name: str, *values: float) -> dict[str, Any]:
    return {"Id": name, "Label": name, "Values": [*values], "Timestamps": [SINCE] * len(values)}


def test_the_last_minutes_are_told_by_rate_age_callbacks_lateness_and_alarms(
    watch: tuple[Connection, Stubber],
) -> None:
    connection, stubber = watch
    resumed, forged = CALLBACKS.index("CallbacksResumed"), CALLBACKS.index("CallbacksForged")
    first = [result("accepted", 600, 300), result("times", 20, 35), result("age0", 7), result("age1", 90)]
    second = [result("accepted", 0), result(f"callbacks{resumed}", 5, 4), result(f"callbacks{forged}", 0)]
    asked = {"MetricDataQueries": ANY, "StartTime": ANY, "EndTime": ANY, "ScanBy": "TimestampDescending"}
    stubber.add_response("get_metric_data", {"MetricDataResults": first, "NextToken": "more"}, asked)
    stubber.add_response("get_metric_data", {"MetricDataResults": second}, {**asked, "NextToken": "more"})
    named = "Headway-dev-acme-lane-"
    alarms = [
        {"AlarmName": f"{named}{logical}-1A2B", "StateValue": "ALARM", "StateUpdatedTimestamp": SINCE}
        for logical in ("WatchDepthC0FFEE00", "WatchCallbacksForged0BADF00D", "OfAnAuthor")
    ]
    stubber.add_response("describe_alarms", {"MetricAlarms": alarms}, {"AlarmNamePrefix": named, "StateValue": "ALARM"})
    since_s = SINCE.timestamp()
    assert measures_of(connection, "acme", LANE, NOW_S) == LaneMeasures(
        vendor="acme",
        accepted_per_s=[10, 5, 0],
        oldest_age_s=90,
        callbacks={"CallbacksResumed": 9},
        slot_to_socket_p99_ms=35,
        ringing=[
            Ringing("Depth", since_s, "docs/operations.md#backlog-too-large"),
            Ringing("CallbacksForged", since_s, "docs/operations.md#forged-callbacks"),
            Ringing("OfAnAuthor-1A2B", since_s, ""),
        ],
    )


def test_a_lane_without_numbers_says_none(watch: tuple[Connection, Stubber]) -> None:
    connection, stubber = watch
    stubber.add_response("get_metric_data", {"MetricDataResults": []})
    stubber.add_response("describe_alarms", {"MetricAlarms": []})
    found = measures_of(connection, "acme", LANE, NOW_S)
    assert (found.accepted_per_s, found.oldest_age_s, found.callbacks, found.ringing) == ([], None, {}, [])


def test_a_throttled_read_is_raised_as_aws_says_it(watch: tuple[Connection, Stubber]) -> None:
    connection, stubber = watch
    stubber.add_client_error("get_metric_data", "Throttling", "Rate exceeded", 400)
    with pytest.raises(ClientError, match="Rate exceeded"):
        measures_of(connection, "acme", LANE, NOW_S)
