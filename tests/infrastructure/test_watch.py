"""What an operator is woken for and looks at: alarms, dashboard, logs."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from headway_cdk.runbooks import runbook_of
from headway_lane.contract.profile import SILENCE_S
from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric

from tests.infrastructure import arns
from tests.infrastructure.conftest import PRESS

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates


def alarm(templates: "Templates", vendor: str, name: str) -> tuple[Any, str, str]:
    """Return an alarm, its metric as `namespace/name statistic`, and the one thing it watches, the last dimension."""
    found = templates.properties(f"{vendor}/Watch/{name}")
    *_, dimension = found["Dimensions"]
    metric = f"{found['Namespace']}/{found['MetricName']} {found['Statistic']}"
    return found, metric, templates.say(dimension["Value"])


def dashboard(templates: "Templates", vendor: str) -> list[Any]:
    """Return the widgets of a vendor's one dashboard."""
    [(name, found)] = templates.of_type("AWS::CloudWatch::Dashboard", vendor).items()
    assert name == f"{vendor}/Watch/Dashboard"
    widgets: list[Any] = json.loads(templates.say(found["DashboardBody"]))["widgets"]
    return widgets


def test_every_alarm_tells_its_lanes_topic_at_once_and_stays_quiet_without_data(templates: "Templates") -> None:
    for vendor in templates.vendors:
        alarms = templates.of_type("AWS::CloudWatch::Alarm", vendor.name)
        urgent_count = 2 if vendor.dispatch.urgent_concurrency else 0
        assert len(alarms) == 10 + urgent_count + (4 if vendor.callback else 0)
        for name, found in alarms.items():
            assert [templates.say(action) for action in found["AlarmActions"]] == [f"<{vendor.name}/Watch/Alarms>"], (
                name
            )
            assert found["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name
            assert (found["EvaluationPeriods"], found["Period"]) == (1, 60), name
            assert found["TreatMissingData"] == "notBreaching", name
            assert vendor.name in found["AlarmDescription"], name
            assert found["AlarmDescription"].endswith(f"What to do: {runbook_of(name.rpartition('/')[2])}"), name


def test_depth_is_alarmed_above_what_the_contract_takes_within_the_tolerated_wait(templates: "Templates") -> None:
    for vendor in templates.vendors:
        found, metric, watched = alarm(templates, vendor.name, "Depth")
        assert metric == "AWS/SQS/ApproximateNumberOfMessagesVisible Maximum"
        assert watched == f"<{vendor.name}/RequestQueue>"
        within_the_wait = vendor.lasting_rps * vendor.waits.tolerated_s
        assert found["Threshold"] == vendor.soft_limit_count + 1
        assert found["Threshold"] - 1 == pytest.approx(within_the_wait)


def test_age_is_alarmed_at_the_tolerated_wait(templates: "Templates") -> None:
    for vendor in templates.vendors:
        found, metric, watched = alarm(templates, vendor.name, "Age")
        assert metric == "AWS/SQS/ApproximateAgeOfOldestMessage Maximum"
        assert watched == f"<{vendor.name}/RequestQueue>"
        assert found["Threshold"] == vendor.waits.tolerated_s


def test_the_urgent_queue_is_watched_like_the_other_at_its_dispatchers_share(templates: "Templates") -> None:
    vendor = templates.vendor(PRESS)
    depth, depth_metric, watched = alarm(templates, PRESS, "UrgentDepth")
    assert (depth_metric, watched) == (
        "AWS/SQS/ApproximateNumberOfMessagesVisible Maximum",
        f"<{PRESS}/UrgentQueue>",
    )
    share = vendor.dispatch.urgent_concurrency / vendor.dispatch.dispatchers_count
    assert depth["Threshold"] == int(vendor.soft_limit_count * share) + 1
    age, age_metric, watched = alarm(templates, PRESS, "UrgentAge")
    assert (age_metric, watched) == ("AWS/SQS/ApproximateAgeOfOldestMessage Maximum", f"<{PRESS}/UrgentQueue>")
    assert age["Threshold"] == vendor.waits.tolerated_s


def test_the_dashboard_draws_depth_and_age_of_both_queues(templates: "Templates") -> None:
    drawn = {
        (metric[1], metric[3])
        for widget in dashboard(templates, PRESS)
        for metric in widget["properties"]["metrics"]
        if metric[0] == "AWS/SQS"
    }
    measures = ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
    queues = (f"<{PRESS}/UrgentQueue>", f"<{PRESS}/RequestQueue>")
    assert drawn == {(measure, queue) for measure in measures for queue in queues}


def test_the_first_call_that_is_put_aside_is_alarmed(templates: "Templates") -> None:
    queues = [name for name in templates.of_type("AWS::SQS::Queue") if name.endswith("/RequestDlq")]
    assert len(queues) == len(templates.vendors)
    for queue in queues:
        vendor, name = queue.split("/")
        found, metric, watched = alarm(templates, vendor, name)
        assert metric == "AWS/SQS/ApproximateNumberOfMessagesVisible Maximum"
        assert watched == f"<{queue}>"
        assert found["Threshold"] == 1


def test_an_execution_of_either_machine_that_times_out_is_alarmed(templates: "Templates") -> None:
    for vendor in templates.vendors:
        for machine, named in (("CallVendor", "call-vendor"), ("DispatchCall", "dispatch-call")):
            found, metric, watched = alarm(templates, vendor.name, f"{machine}TimedOut")
            assert metric == "AWS/States/ExecutionsTimedOut Sum"
            assert watched == arns.machine(vendor.name, named)
            assert found["Threshold"] == 1


def test_a_cap_that_is_reached_and_a_configuration_that_stays_unread_are_alarmed(templates: "Templates") -> None:
    for vendor in templates.vendors:
        capped, metric, watched = alarm(templates, vendor.name, "DayCapped")
        assert (metric, watched, capped["Threshold"]) == ("Headway/DayCapped Sum", vendor.name, 1)
        unread, metric, watched = alarm(templates, vendor.name, "ConfigurationsUnread")
        assert (metric, watched) == ("Headway/ConfigurationsUnread Sum", vendor.name)
        assert 1 < unread["Threshold"] == 60 / SILENCE_S


def test_callbacks_are_alarmed_by_what_came_in_a_minute_and_by_how_long_they_wait(templates: "Templates") -> None:
    for vendor, _ in templates.called_back:
        age, metric, watched = alarm(templates, vendor, "CallbackAge")
        assert (metric, watched) == ("AWS/SQS/ApproximateAgeOfOldestMessage Maximum", f"<{vendor}/CallbackQueue>")
        assert age["Threshold"] == 60
        for name, least in (("CallbacksForged", 2), ("CallbacksMalformed", 1), ("CallbacksUnready", 1)):
            found, metric, watched = alarm(templates, vendor, name)
            assert (metric, watched) == (f"Headway/{name} Sum", vendor)
            assert found["Threshold"] >= least, "one forgery wakes nobody"


def test_doubt_dropped_calls_and_429s_without_a_word_are_alarmed(templates: "Templates") -> None:
    for vendor in templates.vendors:
        for name, threshold in (("CallsDoubtful", 1), ("CallsExpired", 5), ("CoolDownsHttp429", 1)):
            found, metric, watched = alarm(templates, vendor.name, name)
            assert (metric, watched, found["Threshold"]) == (f"Headway/{name} Sum", vendor.name, threshold)


def test_the_dashboard_draws_half_and_all_but_the_slowest_of_the_times_to_socket_and_answer(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        drawn = {
            (metric[1], metric[-1]["stat"])
            for widget in dashboard(templates, vendor.name)
            for metric in widget["properties"]["metrics"]
            if metric[1] in (Metric.SLOT_TO_SOCKET, Metric.SOCKET_TO_ANSWER)
        }
        assert drawn == {(name, stat) for name in ("SlotToSocket", "SocketToAnswer") for stat in ("p50", "p99")}


def test_a_dashboard_shows_our_metrics_of_its_vendor_by_the_names_and_dimensions_of_the_code(
    templates: "Templates",
) -> None:
    callbacks = {metric for metric in Metric if metric.startswith("Callbacks")}
    always = {Metric.CALLS_ACCEPTED, Metric.CALLS_REJECTED, Metric.RESULTS_FETCHED}
    always |= {Metric.PERMITS_MISSED, Metric.PERMITS_MISSED_COLD, Metric.DAY_CAPPED, Metric.CONFIGURATIONS_UNREAD}
    for vendor in templates.vendors:
        shown = set()
        for widget in dashboard(templates, vendor.name):
            for namespace, metric, *dimensions in widget["properties"]["metrics"]:
                if namespace == METRIC_NAMESPACE:
                    assert dimensions[:4] == ["service", SERVICE, "vendor", vendor.name]
                    shown.add(metric)
        assert always <= shown <= set(Metric), vendor.name
        assert shown & callbacks == (callbacks if vendor.callback else set()), vendor.name
        assert (Metric.CHECKS_SETTLED in shown) is (vendor.poll is not None), vendor.name
        assert (Metric.IN_FLIGHT_FULL in shown) is (vendor.jobs_in_flight is not None), vendor.name


def test_the_dashboard_draws_the_soft_limit_into_the_queues_depth(templates: "Templates") -> None:
    for vendor in templates.vendors:
        lines = [
            line["value"]
            for widget in dashboard(templates, vendor.name)
            for line in widget["properties"].get("annotations", {}).get("horizontal", [])
        ]
        assert lines == [vendor.soft_limit_count]


def test_alarms_are_published_over_tls_only(templates: "Templates") -> None:
    policies = templates.of_type("AWS::SNS::TopicPolicy")
    guarded = {templates.say(topic) for policy in policies.values() for topic in policy["Topics"]}
    assert guarded == {f"<{name}>" for name in templates.of_type("AWS::SNS::Topic")}
    for policy in policies.values():
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
