"""The state machines of a lane: each workflow file with its placeholders bound, and the grants that it asks for."""

from constructs import Construct
from headway_lane.contract import paths
from headway_lane.contract.timing import EXPRESS_TIMEOUT_S, SETTLE_TASK_TIMEOUT_S
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.store import JOB_TTL_S

from headway_cdk.constructs.machine import Machine
from headway_cdk.constructs.python_function import PythonFunction
from headway_cdk.constructs.surroundings import LaneSurroundings

_CHANGE = "dynamodb:UpdateItem"
_INVOKE = "lambda:InvokeFunction"


def call_vendor(
    scope: Construct, construct_id: str, *, surroundings: LaneSurroundings, results: PythonFunction
) -> Machine:
    """Make the machine that authors start: it asks, pauses, and fetches the result (hops 1 and 11)."""
    vendor, state, stateful = surroundings.vendor, surroundings.state, surroundings.stateful
    return Machine(
        scope,
        construct_id,
        workflow="call_vendor",
        express=False,
        values={
            "Vendor": vendor.name,
            "RequestQueueUrl": state.request_queue.queue_url,
            "UrgentQueueUrl": (state.urgent_queue or state.request_queue).queue_url,
            "ResultsFunctionArn": results.function.function_arn,
            "CallsTable": stateful.calls.table_name,
            "WorkflowTimeoutSeconds": vendor.workflow_timeout_s,
            "CallTimeoutSeconds": vendor.call_timeout_s,
            "CallHeartbeatSeconds": vendor.call_heartbeat_s,
            "ResultsTimeoutSeconds": vendor.results_task_timeout_s,
        },
        grants={
            "sqs:SendMessage": [queue.queue_arn for queue in state.request_queues],
            _INVOKE: [results.function.function_arn],
            _CHANGE: [stateful.calls.table_arn],
        },
    )


def dispatch_call(
    scope: Construct, construct_id: str, *, vendor: Vendor, caller: PythonFunction, rejection: PythonFunction
) -> Machine:
    """Make the machine of one attempt by the caller (hops 5 to 7)."""
    return Machine(
        scope,
        construct_id,
        workflow="dispatch_call",
        express=True,
        values={
            "CallerFunctionArn": caller.function.function_arn,
            "RejectionFunctionArn": rejection.function.function_arn,
            "CallerTimeoutSeconds": vendor.caller_task_timeout_s,
            "SettleTimeoutSeconds": SETTLE_TASK_TIMEOUT_S,
            "ExpressTimeoutSeconds": EXPRESS_TIMEOUT_S,
        },
        grants={_INVOKE: [caller.function.function_arn, rejection.function.function_arn]},
    )


def dispatch_call_direct(
    scope: Construct,
    construct_id: str,
    *,
    surroundings: LaneSurroundings,
    joining: PythonFunction,
    rejection: PythonFunction,
) -> Machine:
    """Make the machine of one attempt without a caller: it calls the proxy by itself."""
    vendor, stateful, api = surroundings.vendor, surroundings.stateful, surroundings.proxy.api
    stack = surroundings.stack
    fields = paths.write(vendor.submit.fields, str(vendor.submit.callback_url), surroundings.callback_url)
    return Machine(
        scope,
        construct_id,
        workflow="dispatch_call_direct",
        express=True,
        values={
            "Vendor": vendor.name,
            "CallsTable": stateful.calls.table_name,
            "JobsTable": stateful.jobs.table_name,
            "JobTtlSeconds": JOB_TTL_S,
            "ProxyHost": f"{api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}",
            "ProxyStage": api.deployment_stage.stage_name,
            "SubmitMethod": vendor.submit.method,
            "SubmitPath": vendor.submit.path,
            "SubmitFields": fields,
            "JobIdPath": str(vendor.submit.job_id),
            "RejectionFunctionArn": rejection.function.function_arn,
            "JoiningFunctionArn": joining.function.function_arn,
            "SettleTimeoutSeconds": SETTLE_TASK_TIMEOUT_S,
            "ExpressTimeoutSeconds": EXPRESS_TIMEOUT_S,
        },
        grants={
            "execute-api:Invoke": [surroundings.proxy.submit_arn],
            _CHANGE: [stateful.calls.table_arn, stateful.jobs.table_arn],
            _INVOKE: [rejection.function.function_arn, joining.function.function_arn],
        },
    )
