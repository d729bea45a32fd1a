"""What every deployment may replace: functions, machines, APIs, configuration, alarms."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct
from headway_lane.messages.claim import answers_folder
from headway_lane.runtime.names import CONTRACT_PROFILE, Environment

from headway_cdk.configuration import VendorFiles
from headway_cdk.constructs.callback_api import CallbackApi
from headway_cdk.constructs.function import PythonFunction
from headway_cdk.constructs.runtime_configuration import RuntimeConfiguration
from headway_cdk.constructs.vendor_lane import (
    LEDGER_CHANGE,
    LEDGER_READ,
    READ_CONFIGURATION,
    VendorLane,
    allow_answering,
    allow_claims,
)
from headway_cdk.constructs.watch import Watch
from headway_cdk.outputs import StackOutput, VendorResource
from headway_cdk.stateful import CALLBACK_TIMEOUT_S, StatefulStack, VendorState
from headway_cdk.target import Target

CALLBACK_BATCH_SIZE = 10
CALLBACK_MAXIMUM_CONCURRENCY = 5


class StatelessStack(Stack):
    """One lane per vendor, and the inbox that they share."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        files: Sequence[VendorFiles],
        schemas: Mapping[str, Mapping[str, Any]],
        stateful: StatefulStack,
        code: lambda_.Code,
    ) -> None:
        super().__init__(scope, construct_id, description="Headway: functions, workflows, APIs")
        target = Target(self, "Target")
        configuration = RuntimeConfiguration(self, "Configuration", schemas=schemas, target=target)
        vendors = [file.vendor for file in files]
        callbacks = CallbackApi(self, "Callbacks", vendors=vendors, queue=stateful.callback_queue)
        callback_url = f"{target.api_url(callbacks.api)}/callbacks"
        arns = {file.vendor.name: configuration.add_vendor(file) for file in files}
        self.lanes = [
            VendorLane(
                self,
                f"Lane-{vendor.name}",
                vendor=vendor,
                state=stateful.vendors[vendor.name],
                stateful=stateful,
                code=code,
                target=target,
                application_id=configuration.application.ref,
                configuration_arns=arns[vendor.name],
                callback_url=f"{callback_url}/{vendor.name}",
            )
            for vendor in vendors
        ]
        for lane in self.lanes:
            lane.proxy.api.node.add_dependency(callbacks.api)  # which makes the account's logging role
        heard = [vendor for vendor in vendors if vendor.callback]
        contract_arns = [arns[vendor.name][CONTRACT_PROFILE] for vendor in heard]
        limited = any(vendor.jobs_in_flight is not None for vendor in heard)
        self.callback = self._callback(stateful, code, configuration, contract_arns, callback_url, limited=limited)
        Watch(self, "Watch", lanes=self.lanes, stateful=stateful)
        self._outputs(stateful, callback_url)

    def _callback(
        self,
        stateful: StatefulStack,
        code: lambda_.Code,
        configuration: RuntimeConfiguration,
        contract_arns: Sequence[str],
        callback_url: str,
        *,
        limited: bool,
    ) -> PythonFunction:
        keys = {name: state.webhook_key for name, state in stateful.vendors.items() if state.webhook_key}
        callback = PythonFunction(
            self,
            "Callback",
            code=code,
            handler="callback.handler",
            timeout_s=CALLBACK_TIMEOUT_S,
            environment={
                Environment.CALLS_TABLE: stateful.calls.table_name,
                Environment.JOBS_TABLE: stateful.jobs.table_name,
                Environment.CONFIG_APPLICATION: configuration.application.ref,
                Environment.CALLBACK_DLQ_URL: stateful.callback_dlq.queue_url,
                Environment.CALLBACK_URL: callback_url,
                Environment.CLAIMS_BUCKET: stateful.claims.bucket_name,
                Environment.WEBHOOK_SECRETS: self.to_json_string({name: key.secret_arn for name, key in keys.items()}),
                **({Environment.IN_FLIGHT_TABLE: stateful.budgets.table_name} if limited else {}),
            },
        )
        callback.function.add_event_source(
            event_sources.SqsEventSource(
                stateful.callback_queue,
                batch_size=CALLBACK_BATCH_SIZE,
                max_concurrency=CALLBACK_MAXIMUM_CONCURRENCY,
                report_batch_item_failures=True,
            )
        )
        callback.allow([LEDGER_READ, LEDGER_CHANGE], stateful.calls.table_arn, stateful.jobs.table_arn)
        if limited:
            callback.allow([LEDGER_CHANGE], stateful.budgets.table_arn)
        callback.allow(["sqs:SendMessage"], stateful.callback_dlq.queue_arn)
        for name in keys:
            allow_claims(callback, "s3:PutObject", answers_folder(name))
        callback.allow(READ_CONFIGURATION, *contract_arns)
        for key in keys.values():
            key.grant_read(callback.role)
        for lane in self.lanes:
            if lane.vendor.callback:
                allow_answering(callback, lane.call_vendor)
        return callback

    def _outputs(self, stateful: StatefulStack, callback_url: str) -> None:
        workflows = {
            "call_vendor": {lane.vendor.name: lane.call_vendor.machine.state_machine_arn for lane in self.lanes}
        }
        resources = {lane.vendor.name: _resources(lane, stateful.vendors[lane.vendor.name]) for lane in self.lanes}
        outputs = {
            StackOutput.WORKFLOWS: self.to_json_string(workflows),
            StackOutput.VENDORS: self.to_json_string(resources),
            StackOutput.CALLS_TABLE: stateful.calls.table_name,
            StackOutput.JOBS_TABLE: stateful.jobs.table_name,
            StackOutput.BUDGETS_TABLE: stateful.budgets.table_name,
            StackOutput.CLAIMS_BUCKET: stateful.claims.bucket_name,
            StackOutput.CALLBACK_QUEUE_URL: stateful.callback_queue.queue_url,
            StackOutput.CALLBACK_FUNCTION: self.callback.function.function_name,
            StackOutput.CALLBACK_DLQ_URL: stateful.callback_dlq.queue_url,
            StackOutput.CALLBACK_URL: callback_url,
        }
        for name, value in outputs.items():
            CfnOutput(self, name.value, value=value)


def _resources(lane: VendorLane, state: VendorState) -> dict[str, str]:
    """Return what a lane has, by VendorResource; what its contract does not ask for is left out."""
    found = {
        VendorResource.REQUEST_QUEUE_URL: state.request_queue.queue_url,
        VendorResource.URGENT_QUEUE_URL: state.urgent_queue.queue_url if state.urgent_queue else None,
        VendorResource.REQUEST_DLQ_URL: state.request_dlq.queue_url,
        VendorResource.DISPATCH_MACHINE_ARN: lane.dispatch_call.machine.state_machine_arn,
        VendorResource.DISPATCHER_FUNCTION: lane.dispatcher.function.function_name,
        VendorResource.DRAIN_FUNCTION: lane.drain.function.function_name,
        VendorResource.REJECTION_FUNCTION: lane.rejection.function.function_name,
        VendorResource.PROXY_API_ID: lane.proxy.api.rest_api_id,
        VendorResource.RESULTS_FUNCTION: lane.results.function.function_name,
        VendorResource.CALLER_FUNCTION: lane.caller.function.function_name if lane.caller else None,
        VendorResource.RECONCILER_FUNCTION: lane.reconciler.function.function_name if lane.reconciler else None,
        VendorResource.WEBHOOK_KEY_ARN: state.webhook_key.secret_arn if state.webhook_key else None,
        VendorResource.API_TOKEN_ARN: state.api_token.secret_arn if state.api_token else None,
    }
    return {name.value: value for name, value in found.items() if value is not None}
