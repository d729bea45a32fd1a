"""A stage on the embedded cloud: up and down, and the one step after deployment that AWS does not need.

That step (with `headway_cdk.cloud_choice` all that differs from AWS): the simulator's keys go into Secrets Manager, and
functions that no template caps get a cap that suits a laptop.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from headway_cdk.names import workflows_stack
from headway_cdk.parameters import EMBEDDED_URL_PARAMETER, base_url_parameter
from headway_cdk.project import Project
from headway_cdk.published import PublishedLane
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor

from headway.cloud import process
from headway.cloud.strictness import LENIENT_VARIABLE
from headway.deployment import assembly as assemblies
from headway.deployment.cloudformation import deploy, remove, stack_names
from headway.deployment.connection import Connection
from headway.deployment.contracts import vendor_files
from headway.deployment.places import ASSEMBLY_FOLDER, SIMULATOR_PORT
from headway.deployment.stage import DeployedStage
from headway.deployment.synthesis import synthesize
from headway.deployment.target import LocalTarget
from headway.deployment.target_name import TargetName
from headway.errors import NotDeployed
from headway.simulator.keys import load_or_create

SETTLER_CONCURRENCY: Final = 1
RESULTS_CONCURRENCY: Final = 6
"""Concurrent invocations of a vendor's functions: each is a process. On AWS the account's concurrency bounds them; here
a burst of cold starts would starve a laptop. Past the cap workflows retry, and queues wait.
"""
CALLER_SECONDS: Final = 0.8
"""How long a caller is busy with one call: mostly waiting for its slot (`limiter.pace.LEAD_US`)."""
CALLERS_AT_MOST: Final = 24
CALLBACK_CONCURRENCY: Final = 2

Progress = Callable[[str], None]


def up(
    project: Project,
    vendor_urls: Mapping[str, str],
    *,
    state_dir: Path,
    assembly: Path | None = None,
    port: int | None = None,
    only: str | None = None,
    lenient: str | None = None,
    progress: Progress = lambda _: None,
) -> Connection:
    """Synthesize, start the cloud, deploy what has changed, remove what is gone, and take the last step.

    Every vendor's base URL becomes the simulator's, unless `vendor_urls` says where that vendor is: a laptop never
    calls a real vendor by accident. `assembly` is beside the state unless given. `port` None takes a free one. `only`
    names a vendor whose stacks alone are looked at. `lenient` is the value of HEADWAY_LENIENT for a cloud that this
    starts; None takes it from the environment.
    """
    stage, assembly = project.stage, assembly or state_dir / ASSEMBLY_FOLDER
    vendors = {name: files.vendor for name, files in vendor_files(project.configuration, stage).items()}
    if unknown := sorted({*vendor_urls, *([only] if only else [])} - set(vendors)):
        place = project.configuration / "vendors"
        raise NotDeployed(f"no vendor {', '.join(unknown)} in {place}; there is {', '.join(vendors)}")
    progress("synthesizing the templates")
    synthesize(assembly, project)
    progress("starting the embedded cloud")
    cloud = process.start(state_dir, port, None if lenient is None else {LENIENT_VARIABLE: lenient})
    target = LocalTarget(cloud.endpoint_url)
    parameters = {EMBEDDED_URL_PARAMETER: cloud.endpoint_url}
    for name in vendors:
        parameters[base_url_parameter(name)] = vendor_urls.get(name, f"http://127.0.0.1:{SIMULATOR_PORT}")

    def say(stack: str, phrase: str) -> None:
        progress(f"{stack}: {phrase}")

    artifacts = assemblies.stacks(assembly)
    wanted = assemblies.of_vendor(artifacts, stage, only) if only else artifacts
    deploy(target, wanted, parameters, say)
    if not only:
        gone = set(stack_names(target.client("cloudformation"), f"Headway-{stage}-"))
        gone -= {artifact.stack_name for artifact in artifacts}
        # A project's machines first: their policies hang on the roles of lanes.
        own = workflows_stack(stage)
        remove(target.client("cloudformation"), sorted(gone, key=lambda name: (name != own, name)), say)
    deployed = DeployedStage.found(target, stage)
    for name, vendor in vendors.items():
        if only in (None, name):  # changed or not: a deployment that failed beside it may have left the step out
            _finish(state_dir, target, deployed.lanes[name], vendor)
    return Connection(TargetName.LOCAL, target, deployed, cloud)


def down(state_dir: Path) -> bool:
    """Stop the embedded cloud with all that was deployed on it. False where nothing ran."""
    return process.stop(state_dir)


def _finish(state_dir: Path, target: LocalTarget, lane: PublishedLane, vendor: Vendor) -> None:
    """Take the last step for one lane."""
    keys = load_or_create(state_dir, vendor.name)
    secrets = target.client("secretsmanager")
    if vendor.callback:
        webhook_key = keys.webhook_key(vendor.callback.verification)
        secrets.put_secret_value(SecretId=lane.webhook_key_arn, SecretString=webhook_key)
    if lane.api_token_arn:
        secrets.put_secret_value(SecretId=lane.api_token_arn, SecretString=keys.api_token)
    lambda_ = target.client("lambda")
    caps = [
        (lane.settler_function, SETTLER_CONCURRENCY),
        (lane.results_function, RESULTS_CONCURRENCY),
        (lane.caller_function, callers_count(vendor)),
        (lane.callback_function, CALLBACK_CONCURRENCY),
    ]
    for function, cap in caps:
        if function:
            lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=cap)


def callers_count(vendor: Vendor) -> int:
    """Return how many callers of a vendor may run at once: as many as its calls that wait for their slots."""
    return min(CALLERS_AT_MOST, 2 + math.ceil(vendor.burst_rps(Scope.SUBMIT) * CALLER_SECONDS))
