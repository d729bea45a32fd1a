"""Alarms and dashboard: what an operator is woken for, and what one looks at first."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric

from headway_cdk.constructs.vendor_lane import VendorLane
from headway_cdk.parameters import logical_name
from headway_cdk.stateful import StatefulStack

PERIOD = Duration.minutes(1)
WIDTH = 12


class LaneAlarms(Construct):
    """One topic, the alarms, one dashboard."""

    def __init__(
        self, scope: Construct, construct_id: str, *, lanes: Sequence[VendorLane], stateful: StatefulStack
    ) -> None:
        super().__init__(scope, construct_id)
        self._stateful = stateful
        self._topic = sns.Topic(self, "Alarms", enforce_ssl=True, display_name="Headway alarms")
        self._dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(3))
        self._alarm_dlq("CallbackDlq", stateful.callback_dlq, "A callback was refused or could not be processed")
        for lane in lanes:
            self._watch_lane(lane)

    def _watch_lane(self, lane: VendorLane) -> None:
        vendor, state = lane.vendor, self._stateful.vendors[lane.vendor.name]
        name = logical_name(vendor.name)
        depths = [_depth(queue) for queue in state.request_queues]
        ages = [_age(queue) for queue in state.request_queues]
        self._alarm(
            f"Depth{name}",
            _depth(state.request_queue),
            vendor.soft_limit_count + 1,
            f"More calls wait for {vendor.name} than its contract can take within {vendor.waits.tolerated_s} s",
        )
        self._alarm(
            f"Age{name}",
            _age(state.request_queue),
            vendor.waits.tolerated_s,
            f"A call has waited for {vendor.name} longer than tolerated",
        )
        if state.urgent_queue:
            self._alarm(
                f"UrgentDepth{name}",
                _depth(state.urgent_queue),
                vendor.urgent_limit_count + 1,
                f"More urgent calls wait for {vendor.name} than their share takes within {vendor.waits.tolerated_s} s",
            )
            self._alarm(
                f"UrgentAge{name}",
                _age(state.urgent_queue),
                vendor.waits.tolerated_s,
                f"An urgent call has waited for {vendor.name} longer than tolerated",
            )
        self._alarm_dlq(f"RequestDlq{name}", state.request_dlq, f"A call to {vendor.name} failed for good")
        for machine, what in ((lane.call_vendor, "CallVendor"), (lane.dispatch_call, "DispatchCall")):
            timeouts = machine.machine.metric_timed_out(period=PERIOD, statistic="sum")
            self._alarm(f"{what}TimedOut{name}", timeouts, 1, f"An execution of {what} for {vendor.name} timed out")
        self._dashboard.add_widgets(
            cloudwatch.GraphWidget(
                title=f"{vendor.name}: waiting, against the soft limit",
                width=WIDTH,
                left=depths,
                right=ages,
                left_annotations=[
                    cloudwatch.HorizontalAnnotation(value=vendor.soft_limit_count, label="soft limit", color="#d13212")
                ],
            ),
            self._counts(
                f"{vendor.name}: calls",
                vendor.name,
                [
                    metric
                    for metric in Metric
                    if metric.startswith(("Calls", "Requests", "CoolDowns"))
                    or (metric is Metric.IN_FLIGHT_FULL and vendor.jobs_in_flight is not None)
                ],
            ),
            self._counts(
                f"{vendor.name}: callbacks",
                vendor.name,
                [metric for metric in Metric if metric.startswith("Callbacks")],
            ),
            self._counts(
                f"{vendor.name}: results",
                vendor.name,
                [
                    metric
                    for metric in Metric
                    if metric.startswith("Results") or (metric.startswith("Checks") and vendor.poll)
                ],
            ),
        )

    def _counts(self, title: str, vendor: str, metrics: Sequence[Metric]) -> cloudwatch.GraphWidget:
        dimensions = {"service": SERVICE, "vendor": vendor}
        return cloudwatch.GraphWidget(
            title=title,
            width=WIDTH,
            left=[
                cloudwatch.Metric(
                    namespace=METRIC_NAMESPACE,
                    metric_name=metric,
                    dimensions_map=dimensions,
                    period=PERIOD,
                    statistic="sum",
                )
                for metric in metrics
            ],
        )

    def _alarm_dlq(self, name: str, queue: sqs.Queue, description: str) -> None:
        self._alarm(name, _depth(queue), 1, description)

    def _alarm(self, name: str, metric: cloudwatch.Metric, threshold: float, description: str) -> None:
        alarm = metric.create_alarm(
            self,
            name,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))


def _depth(queue: sqs.Queue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="max")


def _age(queue: sqs.Queue) -> cloudwatch.Metric:
    return queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="max")
