"""Queues, buckets and event buses that a project's own app makes or finds, for its machines to name.

In: CDK's own constructs, in any stack of the app but that of the machines. Between the stacks: an SSM parameter for
each, with what calls name it by. Out: bindings of placeholders.
"""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from headway_cdk.lookups import looked_up
from headway_cdk.names import RESOURCES, parameter
from headway_cdk.placeholders import Binding, ResourceKind, bucket, bus, queue
from headway_cdk.state_references import account_of, queue_name

GivenResource = sqs.IQueue | s3.IBucket | events.IEventBus

_NAMED_BY: Final[Mapping[ResourceKind, str]] = {
    ResourceKind.QUEUE: "queue_url",
    ResourceKind.BUCKET: "bucket_name",
    ResourceKind.BUS: "event_bus_arn",
}
"""Attributes of CDK's constructs with what a call names the resource by; a bus of another account has its ARN only."""


def value_of(kind: ResourceKind, resource: GivenResource) -> str | None:
    """Return what calls name a resource by; None where it is not of that kind."""
    return getattr(resource, _NAMED_BY[kind], None)


def publish_resource(resource: GivenResource, stage: str, name: str, value: str) -> Stack:
    """Write the parameter of a resource into its own stack, and return that."""
    stack = Stack.of(resource)
    ssm.StringParameter(
        stack, f"Parameter-{name}", parameter_name=parameter(stage, RESOURCES, name), string_value=value
    )
    return stack


def found_resource(scope: Construct, stage: str, name: str, kind: ResourceKind) -> Binding:
    """Find a resource by its parameter, which has to be there when the scope's stack is deployed."""
    value, account = looked_up(scope, stage, RESOURCES, name), account_of(Stack.of(scope))
    match kind:
        case ResourceKind.QUEUE:
            return queue(value, account.arn("sqs", queue_name(value)))
        case ResourceKind.BUCKET:
            return bucket(value, f"arn:{account.partition}:s3:::{value}")
        case _:
            return bus(value, value)
