"""Alarms and dashboard of a lane: what an operator is woken for, and what one looks at first."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct
from headway_lane.contract.profile import SILENCE_S
from headway_lane.runtime.names import METRIC_NAMESPACE, SERVICE, Metric

from headway_cdk.constructs.surroundings import LaneSurroundings
from headway_cdk.names import Machine, pascal
from headway_cdk.runbooks import runbook_of
from headway_cdk.state_references import queue_name

PERIOD = Duration.minutes(1)
WIDTH = 12
UNREAD_COUNT = 60 // SILENCE_S
"""As many unread configurations in a minute as one worker counts that cannot read its own all the while: a single one
is nothing to be woken for.
"""
CALLBACK_AGE_S = 60
"""A callback waits for a second as a rule, and for a function's start: a few. Its task waits all the while."""
FORGED_COUNT = 10
"""Forgeries in a minute: fewer are somebody's scanner, and the vendor's own would be as many as its callbacks."""
EXPIRED_COUNT = 5
"""Dropped calls in a minute: a few are executions that somebody has stopped."""
QUANTILES = ("p50", "p99")


class LaneAlarms(Construct):
    """One topic, the alarms, one dashboard."""

    def __init__(self, scope: Construct, construct_id: str, *, lane: LaneSurroundings) -> None:
        super().__init__(scope, construct_id)
        self._lane = lane
        self._topic = sns.Topic(
            self, "Alarms", enforce_ssl=True, display_name=f"Headway alarms of {lane.vendor.name} ({lane.stage})"
        )
        self._watch_queues()
        for machine in Machine:
            timeouts = _executions_timed_out(lane.machine_arn(machine))
            title = pascal(machine)
            self._alarm(f"{title}TimedOut", timeouts, 1, f"An execution of {machine} for {lane.vendor.name} timed out")
        self._watch_the_pace()
        self._watch_the_calls()
        if lane.vendor.callback:
            self._watch_the_callbacks()
        self._draw()

    def _watch_queues(self) -> None:
        vendor, state = self._lane.vendor, self._lane.state.published
        tolerated_s = vendor.waits.tolerated_s
        self._alarm(
            "Depth",
            _depth(state.request_queue_url),
            vendor.soft_limit_count + 1,
            f"More calls wait for {vendor.name} than its contract can take within {tolerated_s} s",
        )
        self._alarm(
            "Age",
            _age(state.request_queue_url),
            tolerated_s,
            f"A call has waited for {vendor.name} longer than tolerated",
        )
        if state.urgent_queue_url:
            self._alarm(
                "UrgentDepth",
                _depth(state.urgent_queue_url),
                vendor.urgent_limit_count + 1,
                f"More urgent calls wait for {vendor.name} than their share takes within {tolerated_s} s",
            )
            self._alarm(
                "UrgentAge",
                _age(state.urgent_queue_url),
                tolerated_s,
                f"An urgent call has waited for {vendor.name} longer than tolerated",
            )
        self._alarm("RequestDlq", _depth(state.request_dlq_url), 1, f"A call to {vendor.name} failed for good")
        if state.callback_queue_url:
            description = f"Callbacks of {vendor.name} wait longer than {CALLBACK_AGE_S} s"
            self._alarm("CallbackAge", _age(state.callback_queue_url), CALLBACK_AGE_S, description)

    def _watch_the_pace(self) -> None:
        vendor = self._lane.vendor.name
        self._alarm(
            "DayCapped",
            _of_ours(vendor, Metric.DAY_CAPPED),
            1,
            f"As many calls to {vendor} were made today as the tuning's cap allows: the lane pauses",
        )
        self.unread = self._alarm(
            "ConfigurationsUnread",
            _of_ours(vendor, Metric.CONFIGURATIONS_UNREAD),
            UNREAD_COUNT,
            f"Contract or tuning of {vendor} cannot be read: what was read last holds",
        )

    def _watch_the_calls(self) -> None:
        vendor = self._lane.vendor.name
        for metric, count, description in (
            (Metric.CALLS_DOUBTFUL, 1, f"Nobody knows whether {vendor} has taken a call"),
            (Metric.CALLS_EXPIRED, EXPIRED_COUNT, f"Calls to {vendor} were dropped: their tasks had ended before"),
            (Metric.COOL_DOWNS_HTTP_429, 1, f"{vendor}, or the proxy's throttle, refused a call that held a permit"),
        ):
            self._alarm(metric, _of_ours(vendor, metric), count, description)

    def _watch_the_callbacks(self) -> None:
        """Watch what came in a minute, and not the DLQ: one forgery there would ring until somebody purges it."""
        vendor = self._lane.vendor.name
        for metric, count, description in (
            (Metric.CALLBACKS_UNREADY, 1, f"A callback of {vendor} could not be processed"),
            (Metric.CALLBACKS_MALFORMED, 1, f"A callback of {vendor} cannot be read by its contract"),
            (Metric.CALLBACKS_FORGED, FORGED_COUNT, f"Callbacks come for {vendor} that no key of ours has signed"),
        ):
            self._alarm(metric, _of_ours(vendor, metric), count, description)

    def _draw(self) -> None:
        vendor, urls = self._lane.vendor, self._lane.state.published.request_queue_urls
        limited, polled = vendor.jobs_in_flight is not None, vendor.poll is not None
        calls = [metric for metric in Metric if metric.startswith(("Calls", "Requests", "CoolDowns"))]
        callbacks = [metric for metric in Metric if metric.startswith("Callbacks")]
        results = [metric for metric in Metric if metric.startswith("Results")]
        checks = [metric for metric in Metric if metric.startswith("Checks")]
        pace = [metric for metric in Metric if metric.startswith("Permits")]
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(3))
        dashboard.add_widgets(
            cloudwatch.GraphWidget(
                title=f"{vendor.name}: waiting, against the soft limit",
                width=WIDTH,
                left=[_depth(url) for url in urls],
                right=[_age(url) for url in urls],
                left_annotations=[
                    cloudwatch.HorizontalAnnotation(value=vendor.soft_limit_count, label="soft limit", color="#d13212")
                ],
            ),
            _counts(f"{vendor.name}: calls", vendor.name, [*calls, *([Metric.IN_FLIGHT_FULL] if limited else [])]),
            _counts(f"{vendor.name}: pace", vendor.name, [*pace, Metric.DAY_CAPPED, Metric.CONFIGURATIONS_UNREAD]),
            _times(f"{vendor.name}: from slot to socket and answer", vendor.name),
            *([_counts(f"{vendor.name}: callbacks", vendor.name, callbacks)] if vendor.callback else []),
            _counts(f"{vendor.name}: results", vendor.name, [*results, *(checks if polled else [])]),
        )

    def _alarm(self, name: str, metric: cloudwatch.Metric, threshold: float, description: str) -> cloudwatch.Alarm:
        alarm = metric.create_alarm(
            self,
            name,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{description}. What to do: {runbook_of(name)}",
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        return alarm


def _counts(title: str, vendor: str, metrics: Sequence[Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, width=WIDTH, left=[_of_ours(vendor, metric) for metric in metrics])


def _times(title: str, vendor: str) -> cloudwatch.GraphWidget:
    """Return the quantiles of the way to the socket, and of the answer, which is longer, on an axis of its own."""
    to_socket, to_answer = (
        [_of_ours(vendor, metric, quantile) for quantile in QUANTILES]
        for metric in (Metric.SLOT_TO_SOCKET, Metric.SOCKET_TO_ANSWER)
    )
    return cloudwatch.GraphWidget(title=title, width=WIDTH, left=to_socket, right=to_answer)


def _of_ours(vendor: str, metric: Metric, statistic: str = "sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=metric,
        dimensions_map={"service": SERVICE, "vendor": vendor},
        period=PERIOD,
        statistic=statistic,
    )


def _depth(queue_url: str) -> cloudwatch.Metric:
    return _of_queue(queue_url, "ApproximateNumberOfMessagesVisible")


def _age(queue_url: str) -> cloudwatch.Metric:
    return _of_queue(queue_url, "ApproximateAgeOfOldestMessage")


def _of_queue(queue_url: str, name: str) -> cloudwatch.Metric:
    """Return a metric of a queue (SQS developer guide, "Available CloudWatch metrics")."""
    return cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name=name,
        dimensions_map={"QueueName": queue_name(queue_url)},
        period=PERIOD,
        statistic="max",
    )


def _executions_timed_out(machine_arn: str) -> cloudwatch.Metric:
    """Return a metric of a state machine (Step Functions developer guide, "Execution metrics")."""
    return cloudwatch.Metric(
        namespace="AWS/States",
        metric_name="ExecutionsTimedOut",
        dimensions_map={"StateMachineArn": machine_arn},
        period=PERIOD,
        statistic="sum",
    )
