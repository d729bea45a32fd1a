"""The stacks on the embedded cloud: up and down, and the one step after deployment that AWS does not need.

That step (with `headway_cdk.cloud_choice` all that differs from AWS): the simulator's keys go into Secrets Manager, and
functions that no template caps get a cap that suits a laptop.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from headway_cdk.configuration import VendorFiles
from headway_cdk.outputs import STACKS
from headway_cdk.parameters import EMBEDDED_URL_PARAMETER, base_url_parameter
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor

from headway.cloud import process
from headway.cloud.strictness import LENIENT_VARIABLE
from headway.deployment.cloudformation import deploy
from headway.deployment.connection import Connection
from headway.deployment.contracts import vendor_files
from headway.deployment.places import ASSEMBLY, SIMULATOR_PORT
from headway.deployment.stack import STACK_FILE, DeployedLane, Stack
from headway.deployment.synthesis import synthesize
from headway.deployment.target import LocalTarget
from headway.deployment.target_name import TargetName
from headway.errors import NotDeployed
from headway.simulator.keys import load_or_create

REJECTION_CONCURRENCY: Final = 1
RESULTS_CONCURRENCY: Final = 4
RECONCILER_CONCURRENCY: Final = 2
"""Concurrent invocations of a vendor's functions: each is a process of 50 MB that takes a second of CPU to start. On
AWS the account's concurrency bounds them; here a burst of cold starts would starve a laptop. Workflows retry past the
cap.
"""
CALLER_SECONDS: Final = 0.8
"""How long a caller is busy with one call: mostly waiting for its slot (`limiter.pace.LEAD_US`)."""
CALLERS_AT_MOST: Final = 24
CALLBACK_CONCURRENCY: Final = 2

Progress = Callable[[str], None]


def up(
    state_dir: Path,
    vendor_urls: Mapping[str, str],
    *,
    port: int | None = None,
    configuration: Path = CONFIGURATION,
    assembly: Path = ASSEMBLY,
    lenient: str | None = None,
    progress: Progress = lambda _: None,
) -> Connection:
    """Synthesize, start the cloud, deploy both stacks, and take the last step. May be repeated.

    Every vendor's base URL becomes the simulator's, unless `vendor_urls` says where that vendor is: a laptop never
    calls a real vendor by accident. `port` None takes a free one. `lenient` is the value of HEADWAY_LENIENT for a cloud
    that this starts; None takes it from the environment.
    """
    files = vendor_files(configuration)
    if unknown := sorted(set(vendor_urls) - set(files)):
        raise NotDeployed(f"no vendor {', '.join(unknown)} in {configuration / 'vendors'}; there is {', '.join(files)}")
    progress("synthesizing the templates")
    synthesize(assembly, configuration)
    progress("starting the embedded cloud")
    cloud = process.start(state_dir, port, None if lenient is None else {LENIENT_VARIABLE: lenient})
    target = LocalTarget(cloud.endpoint_url)
    parameters = {EMBEDDED_URL_PARAMETER: cloud.endpoint_url}
    for name in files:
        parameters[base_url_parameter(name)] = vendor_urls.get(name, f"http://127.0.0.1:{SIMULATOR_PORT}")
    outputs = deploy(target, assembly, STACKS, parameters, lambda stack, phrase: progress(f"{stack}: {phrase}"))
    stack = Stack.from_outputs(outputs)
    for file in files.values():
        _finish(state_dir, target, stack.vendors[file.vendor.name], file.vendor)
    target.client("lambda").put_function_concurrency(
        FunctionName=stack.callback_function, ReservedConcurrentExecutions=CALLBACK_CONCURRENCY
    )
    progress("warming the functions")
    _warm(target, stack, list(files.values()))
    stack.write(state_dir)
    return Connection(TargetName.LOCAL, target, stack, cloud)


def down(state_dir: Path) -> bool:
    """Stop the embedded cloud and forget what was deployed on it. False where nothing ran."""
    (state_dir / STACK_FILE).unlink(missing_ok=True)
    return process.stop(state_dir)


def _finish(state_dir: Path, target: LocalTarget, lane: DeployedLane, vendor: Vendor) -> None:
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
        (lane.rejection_function, REJECTION_CONCURRENCY),
        (lane.results_function, RESULTS_CONCURRENCY),
        (lane.reconciler_function, RECONCILER_CONCURRENCY),
        (lane.caller_function, callers_count(vendor)),
    ]
    for function, cap in caps:
        if function:
            lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=cap)


def _warm(target: LocalTarget, stack: Stack, files: Sequence[VendorFiles]) -> None:
    """Start the workers that a first call would wait for: the emulator has no provisioned concurrency.

    With events that change nothing: empty batches, and a call that the ledger does not know.
    """
    empty: dict[str, Any] = {"Records": []}
    names = ("call_id", "idempotency_key", "lease_owner")
    nowhere = {"queue_url": "", "group": None}
    unknown: dict[str, Any] = {**dict.fromkeys(names, "warm-up"), "payload": {}, "permit": {}, "origin": nowhere}
    events = [(stack.callback_function, empty)] * CALLBACK_CONCURRENCY
    for file in files:
        lane = stack.vendors[file.vendor.name]
        events += [(lane.dispatcher_function, empty)] * file.vendor.dispatch.dispatchers_count
        if lane.caller_function:
            events += [(lane.caller_function, unknown)] * callers_count(file.vendor)
    lambda_ = target.client("lambda")
    with ThreadPoolExecutor(max_workers=len(events)) as pool:
        for function, event in events:
            pool.submit(lambda_.invoke, FunctionName=function, Payload=json.dumps(event))


def callers_count(vendor: Vendor) -> int:
    """Return how many callers of a vendor may run at once: as many as its calls that wait for their slots."""
    return min(CALLERS_AT_MOST, 2 + math.ceil(vendor.burst_rps(Scope.SUBMIT) * CALLER_SECONDS))
