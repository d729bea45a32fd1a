"""What every deployment may replace: functions, machines, APIs, configuration, alarms."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
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
from headway_cdk.constructs.vendor_lane import (
    VendorLane,
)
from headway_cdk.outputs import StackOutput, VendorResource
from headway_cdk.stateful import CALLBACK_TIMEOUT_S, StatefulStack, VendorState

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
        callback.poll(queue, batch_size=CALLBACK_BATCH_SIZE, maximum_concurrency=CALLBACK_MAXIMUM_CONCURRENCY)
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
