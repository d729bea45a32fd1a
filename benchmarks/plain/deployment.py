"""The plain reference on an embedded cloud: its own stack, beside whatever else is deployed there."""

from pathlib import Path
from typing import Final

from headway_cdk.parameters import EMBEDDED_URL_PARAMETER
from headway_cdk.project import Project
from headway_cdk.stages import DEFAULT_STAGE

from benchmarks.sides import Side
from headway.cloud.state import CloudState
from headway.deployment import assembly as assemblies
from headway.deployment.cloudformation import deploy, describe
from headway.deployment.connection import Connection
from headway.deployment.stage import DeployedStage
from headway.deployment.synthesis import synthesize
from headway.deployment.target import LocalTarget
from headway.deployment.target_name import TargetName
from headway.testing.lab_vendor import LabVendor

NAME: Final = "plain"
ROOT: Final = Path(__file__).parent
PROJECT: Final = Project(root=ROOT, name=NAME, stage=DEFAULT_STAGE, configuration=ROOT / "configuration")
"""A folder with an app, which is all that a synthesis needs; it has no lane, and so no configuration."""


def deploy_plain(assembly: Path, cloud: CloudState, vendor: LabVendor, rate_per_s: int, delay_ms: int = 0) -> Side:
    """Deploy it on a cloud that runs, for a vendor that sells a rate; each dispatcher pauses so long before a call."""
    target = LocalTarget(cloud.endpoint_url)
    parameters = {
        EMBEDDED_URL_PARAMETER: cloud.endpoint_url,
        "VendorUrl": vendor.url,
        "VendorToken": vendor.keys.api_token,
        "RatePerS": str(rate_per_s),
        "DelayMs": str(delay_ms),
    }
    [artifact] = assemblies.stacks(synthesize(assembly, PROJECT))
    deploy(target, [artifact], parameters)
    stack = describe(target.client("cloudformation"), artifact.stack_name)
    if stack is None:
        raise RuntimeError(f"{artifact.stack_name} is not there after its deployment")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return Side(
        NAME,
        Connection(TargetName.LOCAL, target, DeployedStage(NAME, {}, {}), cloud),
        vendor,
        outputs["WorkflowArn"],
        outputs["RequestQueueUrl"],
        outputs["DispatcherName"],
    )
