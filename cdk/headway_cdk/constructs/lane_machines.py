"""The state machines of a lane, from workflow files with their placeholders bound; what each may do follows from it."""

import json
from collections.abc import Mapping
from typing import Any

from constructs import Construct
from headway_lane.contract import paths
from headway_lane.contract.timing import EXPRESS_TIMEOUT_S, SETTLE_TASK_TIMEOUT_S
from headway_lane.ledger.jobs import JOB_TTL_S
from headway_lane.messages.trace_context import TRACE_EXPRESSION, TRACE_HEADER

from headway_cdk.constructs.machine import StateMachine
from headway_cdk.constructs.surroundings import LaneSurroundings
from headway_cdk.definitions import bind
from headway_cdk.machine_grants import grants_of
from headway_cdk.names import Function, Machine, pascal
from headway_cdk.parameters import PROXY_STAGE
from headway_cdk.placeholders import Binding, ResourceKind, function, queue, table
from headway_cdk.resources import WORKFLOWS


def call_vendor(scope: Construct, lane: LaneSurroundings) -> StateMachine:
    """Make the machine that authors start: it asks, pauses, and fetches the result (hops 1 and 11)."""
    vendor, state = lane.vendor, lane.state.published
    return _machine(
        scope,
        lane,
        Machine.CALL_VENDOR,
        {
            "Vendor": Binding(vendor.name),
            "RequestQueueUrl": _queue(lane, state.request_queue_url),
            "UrgentQueueUrl": _queue(lane, state.urgent_queue_url or state.request_queue_url),
            "ResultsQueueUrl": _queue(lane, state.results_queue_url),
            "WorkflowTimeoutSeconds": Binding(vendor.workflow_timeout_s),
            "CallTimeoutSeconds": Binding(vendor.call_timeout_s),
            "CallHeartbeatSeconds": Binding(vendor.call_heartbeat_s),
            "FetchTimeoutSeconds": Binding(vendor.fetch_timeout_s),
            "FetchHeartbeatSeconds": Binding(vendor.fetch_heartbeat_s),
        },
    )


def dispatch_call(scope: Construct, lane: LaneSurroundings) -> StateMachine:
    """Make the machine of one attempt (hops 5 to 7): by the caller, or straight where the contract says so."""
    settling = {
        "SettlerFunctionArn": function(lane.function_arn(Function.SETTLER)),
        "SettleTimeoutSeconds": Binding(SETTLE_TASK_TIMEOUT_S),
        "ExpressTimeoutSeconds": Binding(EXPRESS_TIMEOUT_S),
    }
    if lane.vendor.dispatch.direct:
        return _machine(scope, lane, Machine.DISPATCH_CALL, {**settling, **_straight(lane)}, "dispatch_call_direct")
    calling = {
        "CallerFunctionArn": function(lane.function_arn(Function.CALLER)),
        "CallerTimeoutSeconds": Binding(lane.vendor.caller_task_timeout_s),
    }
    return _machine(scope, lane, Machine.DISPATCH_CALL, {**settling, **calling}, "dispatch_call")


def _straight(lane: LaneSurroundings) -> Mapping[str, Binding]:
    """Bind what a machine needs that calls the proxy by itself."""
    vendor, state, stack = lane.vendor, lane.state.published, lane.stack
    host = f"{lane.proxy.api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"
    fields = paths.write(vendor.submit.fields, str(vendor.submit.callback_url), lane.callback_url)
    return {
        "Vendor": Binding(vendor.name),
        "CallsTable": _table(lane, state.calls_table),
        "JobsTable": _table(lane, state.jobs_table),
        "JobTtlSeconds": Binding(JOB_TTL_S),
        "ProxyHost": Binding(host, ResourceKind.API, lane.proxy.submit_arn),
        "ProxyStage": Binding(PROXY_STAGE),
        "SubmitMethod": Binding(vendor.submit.method),
        "SubmitPath": Binding(vendor.submit.path),
        "SubmitFields": Binding(fields),
        "SubmitHeaders": Binding({TRACE_HEADER: [TRACE_EXPRESSION]} if vendor.submit.traceparent else {}),
        "JobIdPath": Binding(str(vendor.submit.job_id)),
    }


def _machine(
    scope: Construct, lane: LaneSurroundings, machine: Machine, bound: Mapping[str, Binding], workflow: str = ""
) -> StateMachine:
    """Draw a machine from `workflow`, or else the file of its own name. Only the one that waits is Standard."""
    workflow = workflow or machine.replace("-", "_")
    name, path = lane.name(machine), WORKFLOWS / f"{workflow}.asl.json"
    document: Any = json.loads(path.read_text())
    return StateMachine(
        scope,
        pascal(machine),
        name=name,
        definition=bind(workflow, {placeholder: one.value for placeholder, one in bound.items()}),
        grants=grants_of(document, bound, file=path.name, machine=name, account=lane.state.account),
        express=machine is Machine.DISPATCH_CALL,
        role_name=lane.role_name(machine),
    )


def _queue(lane: LaneSurroundings, url: str) -> Binding:
    return queue(url, lane.state.queue_arn(url))


def _table(lane: LaneSurroundings, name: str) -> Binding:
    return table(name, lane.state.table_arn(name))
