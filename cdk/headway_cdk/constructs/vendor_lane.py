"""The lane of one vendor: everything between its request queues and its proxy, so that no vendor slows another.

`call_vendor` (hop 1) -> request queue, urgent or not (2) -> dispatcher (3, 4) -> `dispatch_call` -> caller (6, 7) ->
proxy (5) -> vendor; and for the way back, results (11).
"""

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from headway_lane.caller import needs as caller_needs
from headway_lane.contract.dispatch import LEAST_CONCURRENCY, Drain
from headway_lane.contract.timing import CHECK_BATCH_SIZE, SETTLE_TIMEOUT_S
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher import needs as dispatcher_needs
from headway_lane.reconciler import needs as reconciler_needs
from headway_lane.results import needs as results_needs
from headway_lane.runtime.needs import LambdaEntry
from headway_lane.settling import needs as settling_needs

from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.constructs.drain_schedule import drain_at_intervals
from headway_cdk.constructs.lane_machines import call_vendor, dispatch_call, dispatch_call_direct
from headway_cdk.constructs.machine import Machine
from headway_cdk.constructs.python_function import PythonFunction
from headway_cdk.constructs.runtime_configuration import RuntimeConfiguration
from headway_cdk.constructs.surroundings import LaneSurroundings
from headway_cdk.constructs.vendor_proxy import VendorProxy
from headway_cdk.stateful import StatefulStack, VendorState


class VendorLane(Construct):
    """Functions, machines and proxy of one vendor."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vendor: Vendor,
        state: VendorState,
        stateful: StatefulStack,
        code: lambda_.Code,
        cloud: CloudChoice,
        configuration: RuntimeConfiguration,
        callback_url: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.vendor = vendor
        self._state = state
        self._code = code
        self.proxy = VendorProxy(self, "Proxy", vendor=vendor, base_url=cloud.base_url(vendor))
        self._surroundings = LaneSurroundings(
            stack=Stack.of(self),
            vendor=vendor,
            state=state,
            stateful=stateful,
            cloud=cloud,
            proxy=self.proxy,
            configuration=configuration,
            callback_url=callback_url,
        )
        self.results = self._function("Results", results_needs.results(vendor), vendor.results_timeout_s)
        self.call_vendor = self._surroundings.call_vendor = call_vendor(
            self, "CallVendor", surroundings=self._surroundings, results=self.results
        )
        self.rejection = self._function("Rejection", settling_needs.rejection(vendor), SETTLE_TIMEOUT_S)
        self.caller: PythonFunction | None = None
        self.dispatch_call = self._surroundings.dispatch_call = (
            self._direct_way() if vendor.dispatch.direct else self._way_by_caller()
        )
        self.dispatcher = self._dispatcher()
        self.drain = self._function("Drain", dispatcher_needs.drain(vendor), vendor.dispatcher_timeout_s)
        drain_at_intervals(self, vendor=vendor, drain=self.drain.function)
        self.reconciler = self._reconciler(state.check_queue) if state.check_queue else None

    def _function(
        self, construct_id: str, entry: LambdaEntry, timeout_s: int, reserved_concurrency: int | None = None
    ) -> PythonFunction:
        return PythonFunction(
            self,
            construct_id,
            code=self._code,
            entry=entry,
            surroundings=self._surroundings,
            timeout_s=timeout_s,
            reserved_concurrency=reserved_concurrency,
        )

    def _way_by_caller(self) -> Machine:
        self.caller = self._function("Caller", caller_needs.caller(self.vendor), self.vendor.caller_timeout_s)
        return dispatch_call(self, "DispatchCall", vendor=self.vendor, caller=self.caller, rejection=self.rejection)

    def _direct_way(self) -> Machine:
        joining = self._function("Joining", settling_needs.joining(self.vendor), SETTLE_TIMEOUT_S)
        return dispatch_call_direct(
            self, "DispatchCall", surroundings=self._surroundings, joining=joining, rejection=self.rejection
        )

    def _dispatcher(self) -> PythonFunction:
        """Make the dispatcher on one event source mapping per queue; provisioned concurrency hangs on an alias."""
        vendor, dispatch = self.vendor, self.vendor.dispatch
        dispatcher = self._function(
            "Dispatcher",
            dispatcher_needs.dispatcher(vendor),
            vendor.dispatcher_timeout_s,
            dispatch.reserved_concurrency,
        )
        live: lambda_.IFunction | None = None
        if dispatch.provisioned_concurrency:
            live = lambda_.Alias(
                self,
                "Live",
                alias_name="live",
                version=dispatcher.function.current_version,
                provisioned_concurrent_executions=dispatch.provisioned_concurrency,
            )
        polled = {self._state.request_queue: dispatch.maximum_concurrency}
        if self._state.urgent_queue:
            polled[self._state.urgent_queue] = dispatch.urgent_concurrency
        for queue, maximum_concurrency in polled.items():
            dispatcher.poll(
                queue,
                live=live,
                batch_size=dispatch.batch_size,
                batching_window_s=dispatch.batching_window_s,
                maximum_concurrency=maximum_concurrency,
                enabled=dispatch.drain is Drain.EVENT_SOURCE,
            )
        return dispatcher

    def _reconciler(self, check_queue: sqs.Queue) -> PythonFunction:
        """Make the function that asks about jobs whose callback does not come."""
        entry = reconciler_needs.reconciler(self.vendor)
        reconciler = self._function("Reconciler", entry, self.vendor.reconciler_timeout_s)
        reconciler.poll(check_queue, batch_size=CHECK_BATCH_SIZE, maximum_concurrency=LEAST_CONCURRENCY)
        return reconciler
