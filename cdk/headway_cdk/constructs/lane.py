"""The lane of one vendor: everything between its request queues and its callbacks, so that no vendor slows another.

`call_vendor` (hop 1) -> request queue, urgent or not (2) -> dispatcher (3, 4) -> `dispatch_call` -> caller (6, 7) ->
proxy (5) -> vendor; for the way back, callback API (8, 9), callback (10) and results (11).
"""

from dataclasses import asdict

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from headway_lane.contract.dispatch import Trigger

from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.configuration import VendorFiles
from headway_cdk.constructs.base import Strategies
from headway_cdk.constructs.callback_api import CallbackApi
from headway_cdk.constructs.drain_schedule import drain_at_intervals
from headway_cdk.constructs.lane_alarms import LaneAlarms
from headway_cdk.constructs.lane_functions import functions_of
from headway_cdk.constructs.lane_machines import call_vendor, dispatch_call
from headway_cdk.constructs.python_function import PythonFunction
from headway_cdk.constructs.runtime_configuration import RuntimeConfiguration
from headway_cdk.constructs.stopped_executions import tell_of_stops
from headway_cdk.constructs.surroundings import LaneSurroundings
from headway_cdk.constructs.vendor_proxy import VendorProxy
from headway_cdk.names import LANE_PARAMETER, Function, Machine, parameter, role_name
from headway_cdk.published import PublishedLane
from headway_cdk.state_references import StateReferences


class Lane(Construct):
    """Functions, machines and APIs of one vendor, over its state."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        files: VendorFiles,
        state: StateReferences,
        strategies: Strategies,
        code: lambda_.Code,
    ) -> None:
        super().__init__(scope, construct_id)
        vendor, cloud = files.vendor, CloudChoice.of(self)
        proxy = VendorProxy(self, "Proxy", vendor=vendor, base_url=cloud.base_url(vendor))
        configuration = RuntimeConfiguration(self, "Configuration", stage=stage, files=files, strategies=strategies)
        self._surroundings = LaneSurroundings(
            stage=stage,
            vendor=vendor,
            state=state,
            proxy=proxy,
            proxy_url=cloud.api_url(proxy.api),
            configuration=configuration,
            callback_url=self._callback_url(stage, files, state, cloud),
        )
        self.call_vendor = call_vendor(self, self._surroundings)
        self.dispatch_call = dispatch_call(self, self._surroundings)
        self.functions = {
            drawing.name: PythonFunction(self, drawing=drawing, code=code, surroundings=self._surroundings)
            for drawing in functions_of(vendor, state.published)
        }
        if vendor.dispatch.trigger is Trigger.SCHEDULE:
            drain_at_intervals(
                self,
                lane=self._surroundings,
                dispatcher=self.functions[Function.DISPATCHER].function,
                role_name=role_name(stage, vendor.name, "schedule"),
            )
        if vendor.cancel:
            queue_arn = state.queue_arn(state.published.results_queue_url)
            tell_of_stops(self, stage=stage, vendor=vendor.name, queue_arn=queue_arn)
        alarms = LaneAlarms(self, "Watch", lane=self._surroundings)
        configuration.roll_back_on(alarms.unread, strategies.alarm_role_arn)
        self._publish()

    def _callback_url(self, stage: str, files: VendorFiles, state: StateReferences, cloud: CloudChoice) -> str | None:
        """Make the callback API of a vendor that calls back, and return where it does."""
        vendor, queue_url = files.vendor, state.published.callback_queue_url
        if queue_url is None:
            return None
        role = role_name(stage, vendor.name, "inbox")
        api = CallbackApi(self, "Callbacks", vendor=vendor, role_name=role, state=state, url=queue_url)
        return f"{cloud.api_url(api.api)}/callbacks/{vendor.name}"

    def _publish(self) -> None:
        """Tell the lane as a whole in one parameter."""
        lane = self._surroundings
        names = {f"{name}_function": made.function.function_name for name, made in self.functions.items()}
        published = PublishedLane(
            **asdict(lane.state.published),
            call_vendor_machine_arn=lane.machine_arn(Machine.CALL_VENDOR),
            dispatch_machine_arn=lane.machine_arn(Machine.DISPATCH_CALL),
            proxy_api_id=lane.proxy.api.rest_api_id,
            callback_url=lane.callback_url,
            **names,
        )
        ssm.StringParameter(
            self,
            "Parameter",
            parameter_name=parameter(lane.stage, lane.vendor.name, LANE_PARAMETER),
            string_value=Stack.of(self).to_json_string(dict(published.as_json())),
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,  # 4,096 characters may be too few for the longest names
        )
