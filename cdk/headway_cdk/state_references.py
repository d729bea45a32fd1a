"""A lane's state as other constructs see it: names for the code, ARNs for grants, and the way from stack to stack.

Stacks find one another by SSM parameters: an export would lock a value for as long as anybody imports it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

from aws_cdk import Fn, Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from headway_lane.contract.vendor import Vendor

from headway_cdk.lookups import looked_up
from headway_cdk.names import parameter
from headway_cdk.placeholders import AwsAccount
from headway_cdk.published import PublishedState, state_of


@dataclass(frozen=True, slots=True)
class StateReferences:
    """The published state of a vendor, seen from a stack; `is_elsewhere`: another stack makes it."""

    stack: Stack
    account: AwsAccount
    published: PublishedState
    is_elsewhere: bool = False

    @classmethod
    def of(cls, stack: Stack, published: PublishedState) -> Self:
        """See a state from a stack, which is asked once where it is: every ARN begins with the answer."""
        return cls(stack, account_of(stack), published)

    def table_arn(self, name: str) -> str:
        """Return the ARN of a table."""
        return self.account.arn("dynamodb", f"table/{name}")

    def queue_arn(self, url: str) -> str:
        """Return the ARN of a queue; its URL ends in account and name (SQS developer guide, queue identifiers)."""
        return self.account.arn("sqs", queue_name(url))

    @property
    def bucket_arn(self) -> str:
        """ARN of the claim checks' bucket."""
        return f"arn:{self.stack.partition}:s3:::{self.published.claims_bucket}"

    @property
    def request_queue_arns(self) -> Sequence[str]:
        """ARNs of the queues that requests wait in, the urgent one first."""
        return [self.queue_arn(url) for url in self.published.request_queue_urls]


def account_of(stack: Stack) -> AwsAccount:
    """Return where a stack is."""
    return AwsAccount(stack.partition, stack.region, stack.account)


def queue_name(url: str) -> str:
    """Return the name of a queue by its URL, which may be a token."""
    return Fn.select(4, Fn.split("/", url))


def publish(scope: Construct, stage: str, vendor: str, state: PublishedState) -> None:
    """Write what is there into one parameter each."""
    for name, value in asdict(state).items():
        if value is not None:
            ssm.StringParameter(
                scope, f"Parameter-{name}", parameter_name=parameter(stage, vendor, name), string_value=value
            )


def found(scope: Construct, stage: str, vendor: Vendor) -> StateReferences:
    """Find the state of a vendor by its parameters, which have to be there when the scope's stack is deployed."""
    values = {name: looked_up(scope, stage, vendor.name, name) for name in state_of(vendor)}
    return replace(StateReferences.of(Stack.of(scope), PublishedState(**values)), is_elsewhere=True)
