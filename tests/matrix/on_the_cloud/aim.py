"""A fault of the matrix as the embedded cloud has it: which requests of which function, for which execution."""

from collections.abc import Mapping, Sequence
from typing import Final

from headway.cloud.faults import Fault as CloudFault
from headway.cloud.faults import Kind as CloudKind
from tests.matrix.faults import VENDOR, Call, Fault, Kind
from tests.matrix.on_the_cloud.lanes import Lane
from tests.matrix.vendor import THROTTLED_COUNT

SERVICES: Final[Mapping[str, str]] = {"appconfigdata": "appconfig", VENDOR: "execute-api"}
"""What requests are signed for, where that is not the name of the matrix."""
KINDS: Final[Mapping[Kind, CloudKind]] = {
    Kind.UNREACHED: CloudKind.UNREACHED,
    Kind.LOST: CloudKind.CUT,
    Kind.LOST_FOR_GOOD: CloudKind.CUT,
    Kind.THROTTLED: CloudKind.THROTTLE,
    Kind.KILLED_BEFORE: CloudKind.KILLED_BEFORE,
    Kind.KILLED_AFTER: CloudKind.KILLED_AFTER,
}
SUBMITS: Final = "/v1/jobs"
"""In the path of whatever goes to the vendor."""


def aimed(fault: Fault, lane: Lane, about: Sequence[str], ordinal: int) -> CloudFault:
    """Return the fault that meets the call number `ordinal`, from 1, that an execution's invocations make of its kind;
    `about` are the texts by which their events are known.
    """
    service, action = fault.call.operation.split(".")
    return CloudFault(
        service=SERVICES.get(service, service),
        kind=KINDS[fault.kind],
        action=action,
        containing=_resource(fault.call, lane),
        skip=ordinal - 1,
        count=THROTTLED_COUNT if fault.call.to_vendor and fault.kind is Kind.THROTTLED else 1,
        function=lane.function(fault.call.function),
        about=tuple(about),
        every_attempt=fault.kind is not Kind.LOST,
    )


def _resource(call: Call, lane: Lane) -> str:
    """Return what a request about a resource of the matrix contains on the cloud."""
    published = lane.published
    named = {
        "Calls": published.calls_table,
        "Jobs": published.jobs_table,
        "Budgets": published.budgets_table,
        "request_queue": published.request_queue_url,
        "request_dlq": published.request_dlq_url,
        "results_queue": published.results_queue_url,
        "api-token": published.api_token_arn,
        "webhook-key": published.webhook_key_arn,
        "contract": "contract",
        "tuning": "tuning",
        "": "",
    }
    found = SUBMITS if call.to_vendor else named[call.resource]
    assert found is not None, call
    return f'"{found}"' if found and not call.to_vendor else found
