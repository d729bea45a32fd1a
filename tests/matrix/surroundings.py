"""A lane's surroundings without infrastructure: functions from their needs, queues, tables, secrets, machines.

What exists follows from the contract in the same places as for the stacks: `needs`, `state_of` and the workflow files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway_cdk.definitions import bind
from headway_cdk.placeholders import PLACEHOLDER
from headway_cdk.published import state_of
from headway_cdk.resources import WORKFLOWS
from headway_lane.callback.needs import callback
from headway_lane.caller.needs import caller
from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.timing import EXPRESS_TIMEOUT_S, SETTLE_TASK_TIMEOUT_S, SETTLE_TIMEOUT_S
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher.needs import dispatcher
from headway_lane.results.needs import results
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import LambdaEntry
from headway_lane.settling.needs import settler

from tests.matrix.network import REGION
from tests.matrix.queues import ACCOUNT, url_of

API_TOKEN_ARN: Final = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api-token"
WEBHOOK_KEY_ARN: Final = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:webhook-key"
CLAIMS_BUCKET: Final = "claims-of-the-matrix"
CALLBACK_URL: Final = "https://callbacks.example/acme"
CALLBACK_TIMEOUT_S: Final = 2 * SETTLE_TIMEOUT_S
"""As in `headway_cdk.constructs.lane_state`, whose import starts Node."""
VISIBILITY_TIMES: Final = 6


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the lane: which queues it is fed from, so many messages at once."""

    name: str
    entry: LambdaEntry
    timeout_s: float
    queues: tuple[str, ...] = ()
    batch_size: int = 1

    def environment(self, vendor: Vendor) -> Mapping[str, str]:
        """Return what its stack binds."""
        return {str(name): _value(vendor, name) for name in self.entry.needs.environment}


def functions_of(vendor: Vendor) -> Mapping[str, Function]:
    """Return the functions of a lane by name."""
    drained = vendor.dispatch.trigger is Trigger.SCHEDULE
    requests = () if drained else ("urgent_queue", "request_queue")
    made = (
        Function("dispatcher", dispatcher(vendor), vendor.dispatcher_timeout_s, requests, vendor.dispatch.batch_size),
        Function("caller", caller(vendor), vendor.caller_timeout_s),
        Function("settler", settler(vendor), SETTLE_TIMEOUT_S),
        Function("results", results(vendor), vendor.results_timeout_s, ("results_queue",), 5),
        Function("callback", callback(vendor), CALLBACK_TIMEOUT_S, ("callback_queue",), 10),
    )
    return {function.name: function for function in made}


def queues_of(vendor: Vendor) -> list[str]:
    """Return the names of a lane's queues, dead-letter queues among them."""
    return [name.removesuffix("_url") for name in state_of(vendor) if name.endswith(("_queue_url", "_dlq_url"))]


def visibility_s(vendor: Vendor, queue: str) -> float:
    """Return the visibility timeout of a queue."""
    if queue in ("request_queue", "urgent_queue"):
        return vendor.request_visibility_s
    return VISIBILITY_TIMES * (CALLBACK_TIMEOUT_S if queue == "callback_queue" else vendor.results_timeout_s)


def machine_arn(name: str) -> str:
    """Return the ARN of a state machine."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"


def machine(name: str, vendor: Vendor) -> Mapping[str, Any]:
    """Return a workflow, bound for a vendor's lane."""
    requests = url_of("request_queue")
    values: Mapping[str, Any] = {
        "Vendor": vendor.name,
        "RequestQueueUrl": requests,
        "UrgentQueueUrl": requests,
        "ResultsQueueUrl": url_of("results_queue"),
        "CallerFunctionArn": "caller",
        "SettlerFunctionArn": "settler",
        "WorkflowTimeoutSeconds": vendor.workflow_timeout_s,
        "CallTimeoutSeconds": vendor.call_timeout_s,
        "CallHeartbeatSeconds": vendor.call_heartbeat_s,
        "FetchTimeoutSeconds": vendor.fetch_timeout_s,
        "FetchHeartbeatSeconds": vendor.fetch_heartbeat_s,
        "CallerTimeoutSeconds": vendor.caller_task_timeout_s,
        "SettleTimeoutSeconds": SETTLE_TASK_TIMEOUT_S,
        "ExpressTimeoutSeconds": EXPRESS_TIMEOUT_S,
    }
    wanted = set(PLACEHOLDER.findall((WORKFLOWS / f"{name}.asl.json").read_text()))
    bound = bind(name, {placeholder: values[placeholder] for placeholder in wanted})
    text = bound.text
    for placeholder, value in bound.substitutions.items():
        text = text.replace(f"${{{placeholder}}}", value)
    definition: Mapping[str, Any] = json.loads(text)
    return definition


def _value(vendor: Vendor, name: Environment) -> str:
    """Return the value of an environment variable; those of queues say which by their own names."""
    if name is Environment.REQUEST_QUEUE_URLS:
        urgent = ["urgent_queue"] if "urgent_queue" in queues_of(vendor) else []
        return " ".join(url_of(queue) for queue in [*urgent, "request_queue"])
    short = name.name.lower()
    if short.endswith(("_queue_url", "_dlq_url")):
        return url_of(short.removesuffix("_url"))
    return {
        Environment.VENDOR: vendor.name,
        Environment.CALLS_TABLE: "Calls",
        Environment.JOBS_TABLE: "Jobs",
        Environment.BUDGETS_TABLE: "Budgets",
        Environment.IN_FLIGHT_TABLE: "Budgets",
        Environment.DISPATCH_MACHINE_ARN: machine_arn("dispatch_call"),
        Environment.PROXY_URL: "https://proxy.example/live",
        Environment.CALLBACK_URL: CALLBACK_URL,
        Environment.CLAIMS_BUCKET: CLAIMS_BUCKET,
        Environment.API_TOKEN_SECRET: API_TOKEN_ARN,
        Environment.WEBHOOK_SECRET: WEBHOOK_KEY_ARN,
        Environment.CONFIG_APPLICATION: "headway",
    }[name]
