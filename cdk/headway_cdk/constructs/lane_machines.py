"""The state machines of a lane: each workflow file with its placeholders bound, and the grants that it asks for."""

from constructs import Construct
from headway_lane.contract import paths
from headway_lane.contract.timing import EXPRESS_TIMEOUT_S, SETTLE_TASK_TIMEOUT_S
from headway_lane.ledger.store import JOB_TTL_S

from headway_cdk.constructs.machine import StateMachine
from headway_cdk.constructs.surroundings import LaneSurroundings
from headway_cdk.names import Function, Machine
from headway_cdk.parameters import PROXY_STAGE

_CHANGE = "dynamodb:UpdateItem"
_INVOKE = "lambda:InvokeFunction"


def call_vendor(scope: Construct, lane: LaneSurroundings) -> StateMachine:
    """Make the machine that authors start: it asks, pauses, and fetches the result (hops 1 and 11)."""
    vendor, state = lane.vendor, lane.state.published
    results = lane.function_arn(Function.RESULTS)
    return StateMachine(
        scope,
        "CallVendor",
        name=lane.name(Machine.CALL_VENDOR),
        workflow="call_vendor",
        express=False,
        values={
            "Vendor": vendor.name,
            "RequestQueueUrl": state.request_queue_url,
            "UrgentQueueUrl": state.urgent_queue_url or state.request_queue_url,
            "ResultsFunctionArn": results,
            "CallsTable": state.calls_table,
            "WorkflowTimeoutSeconds": vendor.workflow_timeout_s,
            "CallTimeoutSeconds": vendor.call_timeout_s,
            "CallHeartbeatSeconds": vendor.call_heartbeat_s,
            "ResultsTimeoutSeconds": vendor.results_task_timeout_s,
        },
        grants={
            "sqs:SendMessage": lane.state.request_queue_arns,
            _INVOKE: [results],
            _CHANGE: [lane.state.table_arn(state.calls_table)],
        },
    )


def dispatch_call(scope: Construct, lane: LaneSurroundings) -> StateMachine:
    """Make the machine of one attempt (hops 5 to 7): by the caller, or straight where the contract says so."""
    return _direct(scope, lane) if lane.vendor.dispatch.direct else _by_caller(scope, lane)


def _by_caller(scope: Construct, lane: LaneSurroundings) -> StateMachine:
    caller, settler = lane.function_arn(Function.CALLER), lane.function_arn(Function.SETTLER)
    return StateMachine(
        scope,
        "DispatchCall",
        name=lane.name(Machine.DISPATCH_CALL),
        workflow="dispatch_call",
        express=True,
        values={
            "CallerFunctionArn": caller,
            "SettlerFunctionArn": settler,
            "CallerTimeoutSeconds": lane.vendor.caller_task_timeout_s,
            "SettleTimeoutSeconds": SETTLE_TASK_TIMEOUT_S,
            "ExpressTimeoutSeconds": EXPRESS_TIMEOUT_S,
        },
        grants={_INVOKE: [caller, settler]},
    )


def _direct(scope: Construct, lane: LaneSurroundings) -> StateMachine:
    """Make the machine of one attempt without a caller: it calls the proxy by itself."""
    vendor, state, api, stack = lane.vendor, lane.state.published, lane.proxy.api, lane.stack
    settler = lane.function_arn(Function.SETTLER)
    return StateMachine(
        scope,
        "DispatchCall",
        name=lane.name(Machine.DISPATCH_CALL),
        workflow="dispatch_call_direct",
        express=True,
        values={
            "Vendor": vendor.name,
            "CallsTable": state.calls_table,
            "JobsTable": state.jobs_table,
            "JobTtlSeconds": JOB_TTL_S,
            "ProxyHost": f"{api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}",
            "ProxyStage": PROXY_STAGE,
            "SubmitMethod": vendor.submit.method,
            "SubmitPath": vendor.submit.path,
            "SubmitFields": paths.write(vendor.submit.fields, str(vendor.submit.callback_url), lane.callback_url),
            "JobIdPath": str(vendor.submit.job_id),
            "SettlerFunctionArn": settler,
            "SettleTimeoutSeconds": SETTLE_TASK_TIMEOUT_S,
            "ExpressTimeoutSeconds": EXPRESS_TIMEOUT_S,
        },
        grants={
            "execute-api:Invoke": [lane.proxy.submit_arn],
            _CHANGE: [lane.state.table_arn(state.calls_table), lane.state.table_arn(state.jobs_table)],
            _INVOKE: [settler],
        },
    )
