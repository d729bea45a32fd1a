"""What is deployed, as the rest of Headway needs to know it: state machines by workflow and vendor, tables, queues.

In: the outputs of the stacks, which `headway up` keeps in the state folder and AWS keeps itself. Out: a Stack, whose
fields are the names of `headway_cdk.outputs`; nobody else reads an output by its name.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from botocore.exceptions import ClientError
from headway_cdk.outputs import STACKS, StackOutput

from headway.deployment.target import AwsTarget
from headway.errors import NotDeployed

STACK_FILE: Final = "stack.json"
_DEPLOY: Final = "deploy them with this version of Headway"


@dataclass(frozen=True, slots=True)
class DeployedLane:
    """One vendor's resources by the names of VendorResource: URLs, ARNs, names; None where its contract asks for none.

    `urgent_queue_url` is for lanes with an urgent queue, `caller_function` for those that are not direct,
    `reconciler_function` for vendors that are polled, `webhook_key_arn` for those that call back, `api_token_arn` for
    those that want a credential.
    """

    request_queue_url: str
    request_dlq_url: str
    dispatch_machine_arn: str
    dispatcher_function: str
    drain_function: str
    rejection_function: str
    results_function: str
    proxy_api_id: str
    urgent_queue_url: str | None = None
    caller_function: str | None = None
    reconciler_function: str | None = None
    webhook_key_arn: str | None = None
    api_token_arn: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, str]) -> Self:
        """Read one vendor of the output; TypeError where a resource is missing. What a newer version adds is left."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})


@dataclass(frozen=True, slots=True)
class Stack:
    """Both stacks. `workflows` is workflow -> vendor -> ARN of the state machine, `vendors` is vendor -> its lane;
    `callback_base_url` lacks the vendor's name, `outputs` are the outputs as they came, to be shown.
    """

    workflows: Mapping[str, Mapping[str, str]]
    vendors: Mapping[str, DeployedLane]
    calls_table: str
    jobs_table: str
    budgets_table: str
    claims_bucket: str
    callback_queue_url: str
    callback_dlq_url: str
    callback_function: str
    callback_base_url: str
    outputs: Mapping[str, str]

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Self:
        """Read the merged outputs of both stacks. Raises NotDeployed where another version made them."""
        try:
            lanes: Mapping[str, Any] = json.loads(outputs[StackOutput.VENDORS])
            return cls(
                workflows=json.loads(outputs[StackOutput.WORKFLOWS]),
                vendors={name: DeployedLane.from_document(lane) for name, lane in lanes.items()},
                calls_table=outputs[StackOutput.CALLS_TABLE],
                jobs_table=outputs[StackOutput.JOBS_TABLE],
                budgets_table=outputs[StackOutput.BUDGETS_TABLE],
                claims_bucket=outputs[StackOutput.CLAIMS_BUCKET],
                callback_queue_url=outputs[StackOutput.CALLBACK_QUEUE_URL],
                callback_dlq_url=outputs[StackOutput.CALLBACK_DLQ_URL],
                callback_function=outputs[StackOutput.CALLBACK_FUNCTION],
                callback_base_url=outputs[StackOutput.CALLBACK_URL],
                outputs=dict(outputs),
            )
        except KeyError as error:
            missing = repr(str(error.args[0]))
            raise NotDeployed(f"the stacks have no output {missing}: {_DEPLOY}") from error
        except TypeError as error:
            raise NotDeployed(f"a lane of the stacks lacks a resource: {_DEPLOY} ({error})") from error

    def callback_url(self, vendor_name: str) -> str:
        """Return where a vendor calls back."""
        return f"{self.callback_base_url}/{vendor_name}"

    @classmethod
    def of_embedded_cloud(cls, state_dir: Path) -> Self:
        """Read what `headway up` has written."""
        try:
            return cls.from_outputs(json.loads((state_dir / STACK_FILE).read_text()))
        except FileNotFoundError as error:
            raise NotDeployed("nothing is deployed on the embedded cloud: run `headway up` first") from error

    @classmethod
    def of_aws(cls, target: AwsTarget) -> Self:
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

    def write(self, state_dir: Path) -> None:
        """Keep the outputs for the commands that follow, in one step."""
        path = state_dir / STACK_FILE
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(dict(self.outputs), indent=1))
        os.replace(temporary, path)  # noqa: PTH105 - atomic on every platform
