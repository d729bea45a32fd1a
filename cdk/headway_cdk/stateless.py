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
from headway_cdk.stateful import CALLBACK_TIMEOUT_S, StatefulStack
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
            handler="callback.handler.receive",
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
        by_vendor = {lane.vendor.name: lane for lane in self.lanes}
        workflows = {
            "call_vendor": {name: lane.call_vendor.machine.state_machine_arn for name, lane in by_vendor.items()}
        }
        resources = {
            name: {
                "request_queue_url": stateful.vendors[name].request_queue.queue_url,
                **({"urgent_queue_url": queue.queue_url} if (queue := stateful.vendors[name].urgent_queue) else {}),
                "request_dlq_url": stateful.vendors[name].request_dlq.queue_url,
                "dispatch_machine_arn": lane.dispatch_call.machine.state_machine_arn,
                "dispatcher_function": lane.dispatcher.function.function_name,
                "drain_function": lane.drain.function.function_name,
                "rejection_function": lane.rejection.function.function_name,
                "proxy_api_id": lane.proxy.api.rest_api_id,
                "results_function": lane.results.function.function_name,
                **({"caller_function": lane.caller.function.function_name} if lane.caller else {}),
                **({"reconciler_function": lane.reconciler.function.function_name} if lane.reconciler else {}),
                **({"webhook_key_arn": key.secret_arn} if (key := stateful.vendors[name].webhook_key) else {}),
                **({"api_token_arn": token.secret_arn} if (token := stateful.vendors[name].api_token) else {}),
            }
            for name, lane in by_vendor.items()
        }
        outputs = {
            "Workflows": self.to_json_string(workflows),
            "Vendors": self.to_json_string(resources),
            "CallsTable": stateful.calls.table_name,
            "JobsTable": stateful.jobs.table_name,
            "BudgetsTable": stateful.budgets.table_name,
            "ClaimsBucket": stateful.claims.bucket_name,
            "CallbackQueueUrl": stateful.callback_queue.queue_url,
            "CallbackFunction": self.callback.function.function_name,
            "CallbackDlqUrl": stateful.callback_dlq.queue_url,
            "CallbackUrl": callback_url,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
