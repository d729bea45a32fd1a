"""A function of a lane, drawn from its entry: its role may do what the entry needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from aws_cdk import Duration, IResolvable
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from headway_lane.runtime.needs import LambdaEntry

from headway_cdk.constructs.dispatching import unless_paused
from headway_cdk.constructs.lambda_function import LambdaFunction
from headway_cdk.constructs.surroundings import LaneSurroundings
from headway_cdk.nag import acknowledge_wildcard
from headway_cdk.names import Function

POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What Lambda needs to poll a queue (Lambda developer guide, "Using Lambda with Amazon SQS"); the construct library's
event source would grant two actions more, which nothing uses.
"""


@dataclass(frozen=True, slots=True)
class Polled:
    """A queue that Lambda polls for a function, and how; `pausable`: unless an operator has paused the lane."""

    url: str
    batch_size: int
    maximum_concurrency: int
    batching_window_s: int | None = None
    enabled: bool = True
    pausable: bool = False


@dataclass(frozen=True, slots=True)
class FunctionDrawing:
    """One function of a lane before it is made; `polled` is queue by a name for the template."""

    name: Function
    entry: LambdaEntry
    timeout_s: int
    reserved_concurrency: int | None = None
    provisioned_concurrency: int = 0
    polled: Mapping[str, Polled] = field(default_factory=dict)


class PythonFunction(LambdaFunction):
    """One Lambda entry of `headway_lane` in its surroundings."""

    def __init__(
        self, scope: Construct, *, drawing: FunctionDrawing, code: lambda_.Code, surroundings: LaneSurroundings
    ) -> None:
        needs = drawing.entry.needs
        super().__init__(
            scope,
            drawing.name.capitalize(),
            name=surroundings.name(drawing.name),
            role_name=surroundings.role_name(drawing.name),
            code=code,
            handler=f"headway_lane.{drawing.entry.handler}",
            timeout_s=drawing.timeout_s,
            environment={str(name): surroundings.value(name) for name in needs.environment},
            reserved_concurrency=drawing.reserved_concurrency,
        )
        for grant in needs.grants:
            for place in surroundings.places(grant.resource):
                self.role.add_to_principal_policy(
                    iam.PolicyStatement(actions=list(grant.actions), resources=[place.arn])
                )
                if place.reason:
                    acknowledge_wildcard(self.role, place.arn, place.reason)
        target = self._live(drawing.provisioned_concurrency) if drawing.provisioned_concurrency else self.function
        for title, polled in drawing.polled.items():
            mapping = self._poll(target, title, polled, surroundings.state.queue_arn(polled.url))
            if polled.pausable and polled.enabled:
                made = cast("lambda_.CfnEventSourceMapping", mapping.node.default_child)
                made.enabled = self._unless_paused(surroundings)

    def _live(self, provisioned_concurrency: int) -> lambda_.IFunction:
        """Return the alias that provisioned concurrency hangs on."""
        return lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=provisioned_concurrency,
        )

    def _unless_paused(self, lane: LaneSurroundings) -> IResolvable | None:
        if not lane.state.is_elsewhere:
            return None
        return unless_paused(self, lane.stage, lane.vendor.name, running=True, paused=False)

    def _poll(
        self, target: lambda_.IFunction, title: str, polled: Polled, queue_arn: str
    ) -> lambda_.EventSourceMapping:
        """Let Lambda bring the messages of a queue."""
        self.role.add_to_principal_policy(iam.PolicyStatement(actions=list(POLLING), resources=[queue_arn]))
        window_s = polled.batching_window_s
        return lambda_.EventSourceMapping(
            self,
            title,
            target=target,
            event_source_arn=queue_arn,
            batch_size=polled.batch_size,
            max_batching_window=None if window_s is None else Duration.seconds(window_s),
            max_concurrency=polled.maximum_concurrency,
            report_batch_item_failures=True,
            enabled=polled.enabled,
        )
