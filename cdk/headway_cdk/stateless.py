"""What every deployment may replace: functions, machines, APIs, configuration, alarms."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from headway_lane.callback import needs as callback_needs

from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.configuration import VendorFiles
from headway_cdk.constructs.callback_api import CallbackApi
from headway_cdk.constructs.inbox_surroundings import InboxSurroundings
from headway_cdk.constructs.lane_alarms import LaneAlarms
from headway_cdk.constructs.python_function import PythonFunction
from headway_cdk.constructs.runtime_configuration import RuntimeConfiguration
from headway_cdk.constructs.vendor_lane import VendorLane
from headway_cdk.stateful import CALLBACK_TIMEOUT_S, StatefulStack

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
        cloud = CloudChoice(self, "Target")
        configuration = RuntimeConfiguration(self, "Configuration", schemas=schemas, cloud=cloud)
        vendors = [file.vendor for file in files]
        callbacks = CallbackApi(self, "Callbacks", vendors=vendors, queue=stateful.callback_queue)
        callback_url = f"{cloud.api_url(callbacks.api)}/callbacks"
        for file in files:
            configuration.add_vendor(file)
        self.lanes = [
            VendorLane(
                self,
                f"Lane-{vendor.name}",
                vendor=vendor,
                state=stateful.vendors[vendor.name],
                stateful=stateful,
                code=code,
                cloud=cloud,
                configuration=configuration,
                callback_url=f"{callback_url}/{vendor.name}",
            )
            for vendor in vendors
        ]
        for lane in self.lanes:
            lane.proxy.api.node.add_dependency(callbacks.api)  # which makes the account's logging role
        heard = [lane for lane in self.lanes if lane.vendor.callback]
        self.callback = self._callback(
            InboxSurroundings(self, heard, stateful, configuration, callback_url), stateful.callback_queue, code
        )
        LaneAlarms(self, "Watch", lanes=self.lanes, stateful=stateful)
        self._outputs(stateful, callback_url)

    def _callback(self, surroundings: InboxSurroundings, queue: sqs.Queue, code: lambda_.Code) -> PythonFunction:
        callback = PythonFunction(
            self,
            "Callback",
            code=code,
            entry=callback_needs.callback([lane.vendor for lane in surroundings.heard]),
            surroundings=surroundings,
            timeout_s=CALLBACK_TIMEOUT_S,
        )
        callback.function.add_event_source(
            event_sources.SqsEventSource(
                queue,
                batch_size=CALLBACK_BATCH_SIZE,
                max_concurrency=CALLBACK_MAXIMUM_CONCURRENCY,
                report_batch_item_failures=True,
            )
        )
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
