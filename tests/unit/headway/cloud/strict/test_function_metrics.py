"""What a log says in CloudWatch's embedded metric format."""

import json
from typing import Any

import pytest

from headway.cloud.strict.function_metrics import Value, values_of


def line(**more: Any) -> str:
    directive = {
        "Namespace": "Headway",
        "Dimensions": [["service", "vendor"]],
        "Metrics": [{"Name": "CallsAccepted", "Unit": "Count"}],
    }
    document = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "service": "headway", "vendor": "acme"}
    return json.dumps({**document, **more})


def test_every_value_of_a_metric_line_counts_with_its_dimensions() -> None:
    log = "\n".join(["{not json", '{"level": "INFO"}', line(CallsAccepted=[1.0, 2.0])])
    dimensions = {"service": "headway", "vendor": "acme"}
    assert list(values_of(log)) == [
        Value("Headway", "CallsAccepted", dimensions, 1.0, "Count"),
        Value("Headway", "CallsAccepted", dimensions, 2.0, "Count"),
    ]


@pytest.mark.parametrize("log", ["", "plain", '{"_aws": 1}', '{"_aws": {', line(), line(CallsAccepted="many")])
def test_a_line_that_has_no_value_is_passed_over(log: str) -> None:
    assert list(values_of(log)) == []
