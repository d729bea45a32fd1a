"""What is deployed, as the rest of Headway needs to know it: state machines by workflow and vendor, and the tables.

The stacks say it in their outputs; `headway up` keeps them in `.headway/stack.json`, AWS keeps them itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from botocore.exceptions import ClientError

from headway.deployment.target import AwsTarget

STACKS: Final = ("HeadwayStateful", "HeadwayStateless")
"""In the order of their deployment."""


class NotDeployed(Exception):  # noqa: N818
    """There is no stack to talk to; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The outputs of the stacks.

    `workflows` is workflow name -> vendor -> state machine ARN; `vendors` is vendor -> name of a resource -> its URL,
    ARN or name.
    """

    workflows: Mapping[str, Mapping[str, str]]
    vendors: Mapping[str, Mapping[str, str]]
    calls_table: str
    outputs: Mapping[str, str]

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Self:
        """Read the merged outputs of both stacks."""
        try:
            return cls(
                workflows=json.loads(outputs["Workflows"]),
                vendors=json.loads(outputs["Vendors"]),
                calls_table=outputs["CallsTable"],
                outputs=dict(outputs),
            )
        except KeyError as error:
            raise NotDeployed(f"the stacks have no output {error}: deploy them with this version of Headway") from error

    @property
    def budgets_table(self) -> str:
        """Name of the table with permits and in-flight permits."""
        try:
            return self.outputs["BudgetsTable"]
        except KeyError as error:
            raise NotDeployed(f"the stacks have no output {error}: deploy them with this version of Headway") from error

    def callback_url(self, vendor_name: str) -> str:
        """Where a vendor calls back."""
        return f"{self.outputs['CallbackUrl']}/{vendor_name}"

    @classmethod
    def local(cls, state_dir: Path) -> Self:
        """Read what `headway up` deployed."""
        try:
            return cls.from_outputs(json.loads((state_dir / "stack.json").read_text()))
        except FileNotFoundError as error:
            raise NotDeployed("nothing is deployed on the embedded cloud: run `headway up` first") from error

    @classmethod
    def aws(cls, target: AwsTarget) -> Self:
        """Read the stacks of an AWS account; botocore's own errors where it cannot be asked."""
        outputs: dict[str, str] = {}
        for name in STACKS:
            try:
                stacks = target.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ValidationError":  # no credentials, no permission, ...
                    raise
                raise NotDeployed(f"{name} is not in {target.region}: run `cdk deploy --all` first") from error
            outputs.update({output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])})
        return cls.from_outputs(outputs)
