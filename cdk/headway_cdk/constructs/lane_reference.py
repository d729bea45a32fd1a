"""A lane as a project's machines and other stacks see it, wherever it was made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct
from headway_lane.contract.vendor import Vendor
from headway_lane.resume.needs import on_durable_callbacks
from headway_lane.runtime.needs import Resource

from headway_cdk.constructs.lane_functions import functions_of
from headway_cdk.lookups import looked_up
from headway_cdk.nag import acknowledge_wildcard
from headway_cdk.names import Function, Machine, own_name, role_name
from headway_cdk.placeholders import AwsAccount, Binding, bucket, queue
from headway_cdk.published import PublishedState, state_of
from headway_cdk.state_references import account_of, queue_name

EVERY_VERSION: Final = "The wildcard is the function's version and the execution, which Lambda names."


@dataclass(frozen=True, slots=True)
class LaneReference:
    """A vendor's lane. `value` gives what its state has published under a name; `made` is what has to be there before
    its roles can be named, where this app makes them.
    """

    stage: str
    vendor: Vendor
    account: AwsAccount
    value: Callable[[str], str]
    made: Sequence[Construct] = ()

    @classmethod
    def found(cls, scope: Construct, *, stage: str, vendor: Vendor) -> "LaneReference":
        """Find a lane that other stacks have: the parameters that are asked for have to be there when the scope's stack
        is deployed.
        """
        return cls(stage, vendor, account_of(Stack.of(scope)), partial(looked_up, scope, stage, vendor.name))

    @property
    def call_vendor(self) -> Binding:
        """The machine that calls the vendor."""
        return self.account.machine(self._name(Machine.CALL_VENDOR))

    @property
    def request_queue(self) -> Binding:
        """The queue that requests wait in."""
        return self._queue("request_queue_url")

    @property
    def urgent_queue(self) -> Binding:
        """The queue that urgent requests wait in; the other, where the lane has none."""
        return self._queue("urgent_queue_url") if self.vendor.dispatch.urgent_concurrency else self.request_queue

    @property
    def results_queue(self) -> Binding:
        """The queue that fetches of results wait in."""
        return self._queue("results_queue_url")

    @property
    def claims(self) -> Binding:
        """The bucket of claim checks."""
        name = self.value("claims_bucket")
        return bucket(name, f"arn:{self.account.partition}:s3:::{name}")

    def grant_call(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody start calls of the vendor, and see what became of them."""
        called = self.call_vendor
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:DescribeExecution", "states:StopExecution"],
            resource_arns=[called.executions_arn],
        )
        principal = grantee.grant_principal
        if Construct.is_construct(principal):  # a role or a user of the app, and not a service or an account
            reason = "The wildcard is the name of an execution, which its caller makes up."
            acknowledge_wildcard(cast("IConstruct", principal), called.executions_arn, reason)
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["states:StartExecution"], resource_arns=[called.arn]
        )

    def let_settle(self, scope: Construct, machine_name: str) -> None:
        """Let the lane's functions settle tasks of a machine, each as it may settle those of `call_vendor`."""
        self._let(scope, machine_name, self.account.machine(machine_name).arn, tuple)

    def let_resume(self, scope: Construct, function_name: str) -> None:
        """Let the lane's functions end callbacks of a durable function, each as it may settle tasks of `call_vendor`.

        Lambda asks for the ARN of the durable execution, which extends that of the function's version (Lambda developer
        guide, `durable-security`).
        """
        for policy in self._let(scope, function_name, self.account.durable_arn(function_name), on_durable_callbacks):
            acknowledge_wildcard(policy, self.account.durable_arn(function_name), EVERY_VERSION)

    def _let(
        self, scope: Construct, name: str, arn: str, actions_of: Callable[[Sequence[str]], Sequence[str]]
    ) -> Sequence[iam.CfnPolicy]:
        """Let the lane's functions do on an ARN what `actions_of` makes of what they may do to waiting tasks.

        The policies are called like the waiting machine or function: IAM keeps one policy of a name at a role, the last
        that was put.
        """
        policies: dict[tuple[str, ...], list[str]] = {}
        named = PublishedState(**{name: name for name in state_of(self.vendor)})  # nothing is made of it
        for drawing in functions_of(self.vendor, named):
            # One statement for a role: what all machines add to its policies is bounded (IAM quotas).
            if actions := drawing.entry.needs.actions_on(Resource.WAITING_TASKS):
                role = role_name(self.stage, self.vendor.name, drawing.name)
                policies.setdefault(tuple(actions_of(actions)), []).append(role)
        made = [
            iam.CfnPolicy(
                scope,
                f"Settling{number}",
                policy_name=f"settle-{name}-{number}",
                policy_document=iam.PolicyDocument(
                    statements=[iam.PolicyStatement(actions=list(actions), resources=[arn])]
                ),
                roles=role_names,
            )
            for number, (actions, role_names) in enumerate(policies.items())
        ]
        for policy in made:
            for before in self.made:
                policy.node.add_dependency(before)
        return made

    def _name(self, part: Machine | Function) -> str:
        return own_name(self.stage, self.vendor.name, part)

    def _queue(self, name: str) -> Binding:
        url = self.value(name)
        return queue(url, self.account.arn("sqs", queue_name(url)))
