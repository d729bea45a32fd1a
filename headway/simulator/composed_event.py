"""An event as a contract reads it, composed from its job, its status and its result: the reverse of
`headway_lane.callback.event`.
"""

from typing import Any

from headway_lane.contract import paths
from headway_lane.contract.exchange import Delivered
from headway_lane.contract.vendor import Vendor
from headway_lane.verification import adyen


def compose(vendor: Vendor, job_id: str, word: str | None, output: Any) -> dict[str, Any]:
    """Return an event of a vendor: `word` is its status, where it says one, `output` its result, where that is the
    place for it.
    """
    callback, result = vendor.callbacks(), vendor.result
    event: dict[str, Any] = {}
    if callback.verification == "adyen":
        event = {adyen.ITEM: {"amount": {"value": 1130, "currency": "EUR"}, "eventCode": "AUTHORISATION"}}
    if isinstance(result, Delivered):
        event = paths.write(event, result.field or "output", output)
    event = paths.write(event, callback.job_id[0], job_id)
    return event if callback.status is None or word is None else paths.write(event, callback.status, word)
