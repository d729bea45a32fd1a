"""What an operator is woken for and looks at: alarms, dashboard, logs."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from headway_cdk.parameters import logical_name
from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates


def alarm(templates: "Templates", name: str) -> tuple[Any, str, str]:
    """Return an alarm, its metric as `namespace/name statistic`, and the one thing it watches."""
    found = templates.properties(f"Watch/{name}")
    (dimension,) = found["Dimensions"]
    metric = f"{found['Namespace']}/{found['MetricName']} {found['Statistic']}"
    return found, metric, templates.say(dimension["Value"])


def test_every_alarm_tells_somebody_at_once_and_stays_quiet_without_data(templates: "Templates") -> None:
    alarms = templates.of_type("AWS::CloudWatch::Alarm")
    urgent_lanes = [vendor for vendor in templates.vendors if vendor.dispatch.urgent_concurrency]
    assert len(alarms) == 5 * len(templates.vendors) + 2 * len(urgent_lanes) + 1
    for name, found in alarms.items():
        assert [templates.say(action) for action in found["AlarmActions"]] == ["<Watch/Alarms>"], name
        assert found["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name
        assert (found["EvaluationPeriods"], found["Period"]) == (1, 60), name
        assert found["TreatMissingData"] == "notBreaching", name
        assert found["AlarmDescription"], name


def test_depth_is_alarmed_above_what_the_contract_takes_within_the_tolerated_wait(templates: "Templates") -> None:
    for vendor in templates.vendors:
        name = logical_name(vendor.name)
        found, metric, watched = alarm(templates, f"Depth{name}")
        assert metric == "AWS/SQS/ApproximateNumberOfMessagesVisible Maximum"
        assert watched == f"<RequestQueue{name}.QueueName>"
        within_the_wait = vendor.lasting_rps * vendor.waits.tolerated_s
        assert found["Threshold"] == vendor.soft_limit_count + 1
        assert found["Threshold"] - 1 == pytest.approx(within_the_wait)


def test_age_is_alarmed_at_the_tolerated_wait(templates: "Templates") -> None:
    for vendor in templates.vendors:
        name = logical_name(vendor.name)
        found, metric, watched = alarm(templates, f"Age{name}")
        assert metric == "AWS/SQS/ApproximateAgeOfOldestMessage Maximum"
        assert watched == f"<RequestQueue{name}.QueueName>"
        assert found["Threshold"] == vendor.waits.tolerated_s


def test_the_urgent_queue_is_watched_like_the_other_at_its_dispatchers_share(another: "Templates") -> None:
    vendor = next(vendor for vendor in another.vendors if vendor.name == "slow-press")
    name = logical_name(vendor.name)
    depth, depth_metric, watched = alarm(another, f"UrgentDepth{name}")
    assert (depth_metric, watched) == (
        "AWS/SQS/ApproximateNumberOfMessagesVisible Maximum",
        f"<UrgentQueue{name}.QueueName>",
    )
    share = vendor.dispatch.urgent_concurrency / vendor.dispatch.dispatchers_count
    assert depth["Threshold"] == int(vendor.soft_limit_count * share) + 1
    age, age_metric, watched = alarm(another, f"UrgentAge{name}")
    assert (age_metric, watched) == ("AWS/SQS/ApproximateAgeOfOldestMessage Maximum", f"<UrgentQueue{name}.QueueName>")
    assert age["Threshold"] == vendor.waits.tolerated_s


def test_the_dashboard_draws_depth_and_age_of_both_queues(another: "Templates") -> None:
    body = json.loads(another.say(another.properties("Watch/Dashboard")["DashboardBody"]))
    drawn = {metric[3] for widget in body["widgets"] for metric in widget["properties"]["metrics"] if len(metric) > 3}
    assert {"<UrgentQueueSlowPress.QueueName>", "<RequestQueueSlowPress.QueueName>"} <= drawn


def test_the_first_message_in_any_dead_letter_queue_is_alarmed(templates: "Templates") -> None:
    queues = [name for name in templates.of_type("AWS::SQS::Queue") if "Dlq" in name]
    assert len(queues) == len(templates.vendors) + 1
    for queue in queues:
        found, metric, watched = alarm(templates, queue)
        assert metric == "AWS/SQS/ApproximateNumberOfMessagesVisible Maximum"
        assert watched == f"<{queue}.QueueName>"
        assert found["Threshold"] == 1


def test_an_execution_of_either_machine_that_times_out_is_alarmed(templates: "Templates") -> None:
    for vendor in templates.vendors:
        for machine in ("CallVendor", "DispatchCall"):
            found, metric, watched = alarm(templates, f"{machine}TimedOut{logical_name(vendor.name)}")
            assert metric == "AWS/States/ExecutionsTimedOut Sum"
            assert watched == f"<Lane-{vendor.name}/{machine}/Machine>"
            assert found["Threshold"] == 1


def test_the_dashboard_shows_our_metrics_by_the_names_and_dimensions_of_the_code(templates: "Templates") -> None:
    body = json.loads(templates.say(templates.properties("Watch/Dashboard")["DashboardBody"]))
    shown: dict[str, set[str]] = {vendor.name: set() for vendor in templates.vendors}
    for widget in body["widgets"]:
        for namespace, metric, *dimensions in widget["properties"]["metrics"]:
            if namespace == METRIC_NAMESPACE:
                assert dimensions[:3] == ["service", SERVICE, "vendor"]
                shown[dimensions[3]].add(metric)
    callbacks = {metric for metric in Metric if metric.startswith("Callbacks")}
    for vendor, metrics in shown.items():
        assert metrics <= set(Metric), vendor
        assert callbacks | {Metric.CALLS_ACCEPTED, Metric.CALLS_REJECTED, Metric.RESULTS_FETCHED} <= metrics, vendor


def test_the_dashboard_draws_the_soft_limit_into_the_queues_depth(templates: "Templates") -> None:
    body = json.loads(templates.say(templates.properties("Watch/Dashboard")["DashboardBody"]))
    lines = {
        widget["properties"]["title"].partition(":")[0]: line["value"]
        for widget in body["widgets"]
        for line in widget["properties"].get("annotations", {}).get("horizontal", [])
    }
    assert lines == {vendor.name: vendor.soft_limit_count for vendor in templates.vendors}


def test_alarms_are_published_over_tls_only(templates: "Templates") -> None:
    (policy,) = templates.of_type("AWS::SNS::TopicPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_every_log_group_is_our_own_and_forgets_after_a_month(templates: "Templates") -> None:
    groups = templates.of_type("AWS::Logs::LogGroup")
    assert {group["RetentionInDays"] for group in groups.values()} == {30}
    for name, function in templates.of_type("AWS::Lambda::Function").items():
        log_group = templates.say(function["LoggingConfig"]["LogGroup"]).strip("<>")
        assert log_group == name.replace("/Function", "/Log")
        assert log_group in groups
