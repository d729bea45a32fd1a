"""What becomes of getting a result (hop 11): data, because engines disagree about errors that cross a Lambda."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from headway_lane.limiter.turn import Turns, Unpaced
from headway_lane.messages.claim import Claims, results_folder
from headway_lane.runtime.errors import FailTask
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import logger, publish
from headway_lane.vendor_api.cool_downs import cool_down_counts


def outcome(
    vendor_name: str, call_id: str, get: Callable[[], Any], claims: Claims, turns: Turns | None = None
) -> dict[str, Any]:
    """Get a result and return what the workflow branches on; what its turns were told is written, whatever happens.

    A result that no state carries becomes a claim check.
    """
    turns = turns or Unpaced()
    try:
        answer = {"outcome": "fetched", "result": claims.slim(get(), results_folder(vendor_name))}
        counted = Metric.RESULTS_FETCHED
    except FailTask as error:
        logger().warning("result rejected", call_id=call_id, error_code=error.code)
        answer = {"outcome": "rejected", "error": error.code, "cause": error.cause}
        counted = Metric.RESULTS_REJECTED
    finally:
        turns.report()
    publish(vendor_name, Counter({counted: 1}) + cool_down_counts(turns.cool_downs))
    return answer
