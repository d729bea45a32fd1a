"""The functions of a lane, as data: what each is, how long it may run, and which queues Lambda polls for it."""

from collections.abc import Iterator

from headway_lane.callback import needs as callback_needs
from headway_lane.caller import needs as caller_needs
from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.timing import SETTLE_TIMEOUT_S
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher import needs as dispatcher_needs
from headway_lane.results import needs as results_needs
from headway_lane.settling import needs as settling_needs

from headway_cdk.constructs.lane_state import CALLBACK_TIMEOUT_S
from headway_cdk.constructs.python_function import FunctionDrawing, Polled
from headway_cdk.names import Function
from headway_cdk.published import PublishedState

CALLBACK_BATCH_SIZE = 10
CALLBACK_MAXIMUM_CONCURRENCY = 5
RESULTS_BATCH_SIZE = 1
"""Each message may wait for its slot and for the vendor: a second one in its batch would wait for both."""


def functions_of(vendor: Vendor, state: PublishedState) -> Iterator[FunctionDrawing]:
    """Yield the functions that a contract asks for."""
    yield _dispatcher(vendor, state)
    if not vendor.dispatch.direct:
        yield FunctionDrawing(Function.CALLER, caller_needs.caller(vendor), vendor.caller_timeout_s)
    yield FunctionDrawing(Function.SETTLER, settling_needs.settler(vendor), SETTLE_TIMEOUT_S)
    yield _results(vendor, state)
    if state.callback_queue_url:
        inbox = Polled(state.callback_queue_url, CALLBACK_BATCH_SIZE, CALLBACK_MAXIMUM_CONCURRENCY)
        entry = callback_needs.callback(vendor)
        yield FunctionDrawing(Function.CALLBACK, entry, CALLBACK_TIMEOUT_S, polled={"Callbacks": inbox})


def _dispatcher(vendor: Vendor, state: PublishedState) -> FunctionDrawing:
    """Draw the dispatcher with one event source mapping per queue."""
    dispatch = vendor.dispatch

    def polled(url: str, maximum_concurrency: int) -> Polled:
        enabled = dispatch.trigger is Trigger.EVENT_SOURCE
        return Polled(url, dispatch.batch_size, maximum_concurrency, dispatch.batching_window_s, enabled, pausable=True)

    queues = {"Requests": polled(state.request_queue_url, dispatch.maximum_concurrency)}
    if state.urgent_queue_url:
        queues["UrgentRequests"] = polled(state.urgent_queue_url, dispatch.urgent_concurrency)
    return FunctionDrawing(
        Function.DISPATCHER,
        dispatcher_needs.dispatcher(vendor),
        vendor.dispatcher_timeout_s,
        dispatch.reserved_concurrency,
        dispatch.provisioned_concurrency,
        queues,
    )


def _results(vendor: Vendor, state: PublishedState) -> FunctionDrawing:
    """Draw the function that finds out what became of jobs."""
    queue = Polled(state.results_queue_url, RESULTS_BATCH_SIZE, vendor.results_concurrency)
    entry = results_needs.results(vendor)
    return FunctionDrawing(Function.RESULTS, entry, vendor.results_timeout_s, polled={"Results": queue})
