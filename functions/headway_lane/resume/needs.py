"""What settling a waiting task takes."""

from collections.abc import Iterable, Mapping
from typing import Final

from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import JOINING_JOBS, MOVING_CALLS
from headway_lane.limiter.needs import releasing_in_flight
from headway_lane.runtime.needs import Needs, Resource, may

_SUCCEED: Final = "states:SendTaskSuccess"
_FAIL: Final = "states:SendTaskFailure"
_BEAT: Final = "states:SendTaskHeartbeat"
RESUMING_TASKS: Final = may(Resource.WAITING_TASKS, _SUCCEED)
FAILING_TASKS: Final = may(Resource.WAITING_TASKS, _FAIL)
BEATING_TASKS: Final = may(Resource.WAITING_TASKS, _BEAT)
ANSWERING_TASKS: Final = RESUMING_TASKS | FAILING_TASKS | BEATING_TASKS
_OF_DURABLE_CALLBACKS: Final[Mapping[str, str]] = {
    _SUCCEED: "lambda:SendDurableExecutionCallbackSuccess",
    _FAIL: "lambda:SendDurableExecutionCallbackFailure",
    _BEAT: "lambda:SendDurableExecutionCallbackHeartbeat",
}


def on_durable_callbacks(actions: Iterable[str]) -> tuple[str, ...]:
    """Return what who does this to waiting tasks does to callbacks of durable functions. Whoever ends one may have to
    ask by a heartbeat whether it is dead (`durable_callback.INVALID`).
    """
    return tuple(dict.fromkeys(_OF_DURABLE_CALLBACKS[action] for action in (*actions, _BEAT)))


def settling(vendor: Vendor) -> Needs:
    """Return what handing over a good answer takes, with the in-flight permit that it frees."""
    return MOVING_CALLS | JOINING_JOBS | RESUMING_TASKS | releasing_in_flight(vendor)
