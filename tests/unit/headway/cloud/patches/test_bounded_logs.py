"""What the emulator writes down as it goes stays below its bounds, and the newest stays."""

from typing import Any

import pytest
from ministack.services import cloudwatch, cloudwatch_logs, eventbridge, lambda_svc

from headway.cloud.patches import bounded_logs


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch the emulator's modules in this process, for one test, with bounds of ten."""
    for name in ("STREAMS_KEPT_COUNT", "LINES_KEPT_COUNT", "POINTS_KEPT_COUNT", "EVENTS_KEPT_COUNT"):
        monkeypatch.setattr(bounded_logs, name, 10)
    for module, name in (
        (cloudwatch_logs, "_append_log_events"),
        (cloudwatch, "_metric_bucket"),
        (eventbridge, "_events_log_list"),
        (lambda_svc, "_emit_lambda_logs"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(cloudwatch_logs, "_log_groups", {})
    monkeypatch.setattr(cloudwatch, "_metrics", {})
    monkeypatch.setattr(eventbridge, "_events_log", {})
    bounded_logs.apply()


@pytest.mark.usefixtures("patched")
def test_an_invocation_that_was_long_ago_has_no_log_stream_any_more() -> None:
    function: dict[str, Any] = {"config": {"FunctionName": "caller", "Version": "$LATEST", "MemorySize": 128}}
    for number in range(40):
        lambda_svc._emit_lambda_logs(function, f"request-{number}", "a line", False, 1)
    streams = cloudwatch_logs._log_groups["/aws/lambda/caller"]["streams"]
    assert 10 <= len(streams) <= 13
    last = list(streams.values())[-1]["events"]
    assert any("request-39" in event["message"] for event in last)


@pytest.mark.usefixtures("patched")
def test_a_stream_a_metric_and_the_bus_keep_the_newest() -> None:
    stream: dict[str, Any] = {"events": [], "firstEventTimestamp": None, "lastEventTimestamp": None}
    for number in range(40):
        cloudwatch_logs._append_log_events(stream, [{"timestamp": number, "message": "", "ingestionTime": number}])
        cloudwatch._store_datum("Headway", "Calls", {}, number, "Count", 1, None, None, None)
        eventbridge._events_log_list().append(number)
    times = [event["timestamp"] for event in stream["events"]]
    points = [point["Timestamp"] for point in cloudwatch._metric_bucket(("Headway", "Calls", cloudwatch._dims_key({})))]
    for kept in (times, points, eventbridge._events_log_list()):
        assert 10 <= len(kept) <= 13
        assert kept == list(range(40))[-len(kept) :]
