"""Names that code and infrastructure must agree on: environment variables, metrics, AppConfig profiles.

A name stands here once; functions read it, the CDK app binds it, alarms and dashboards import it.
"""

from enum import StrEnum
from typing import Final

SERVICE: Final = "headway"
METRIC_NAMESPACE: Final = "Headway"


class Environment(StrEnum):
    """Environment variables of the functions."""

    VENDOR = "HEADWAY_VENDOR"
    CALLS_TABLE = "HEADWAY_CALLS_TABLE"
    JOBS_TABLE = "HEADWAY_JOBS_TABLE"
    BUDGETS_TABLE = "HEADWAY_BUDGETS_TABLE"
    IN_FLIGHT_TABLE = "HEADWAY_IN_FLIGHT_TABLE"
    """The budgets table again, bound only where a contract limits jobs in flight: without it nobody asks for an
    in-flight permit.
    """
    REQUEST_QUEUE_URLS = "HEADWAY_REQUEST_QUEUE_URLS"
    """With spaces between them, the urgent queue first."""
    REQUEST_DLQ_URL = "HEADWAY_REQUEST_DLQ_URL"
    CALLBACK_QUEUE_URL = "HEADWAY_CALLBACK_QUEUE_URL"
    CALLBACK_DLQ_URL = "HEADWAY_CALLBACK_DLQ_URL"
    RESULTS_QUEUE_URL = "HEADWAY_RESULTS_QUEUE_URL"
    DISPATCH_MACHINE_ARN = "HEADWAY_DISPATCH_MACHINE_ARN"
    PROXY_URL = "HEADWAY_PROXY_URL"
    CALLBACK_URL = "HEADWAY_CALLBACK_URL"
    CLAIMS_BUCKET = "HEADWAY_CLAIMS_BUCKET"
    API_TOKEN_SECRET = "HEADWAY_API_TOKEN_SECRET"  # noqa: S105 - the name of a variable that holds an ARN
    WEBHOOK_SECRET = "HEADWAY_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable that holds an ARN
    CONFIG_APPLICATION = "HEADWAY_CONFIG_APPLICATION"


CREDENTIAL_HEADER: Final = "X-Headway-Credential"
"""The proxy maps this header to the vendor's own (SigV4 occupies `Authorization` on the way to the proxy)."""

CANCEL_PREFIX: Final = "/call-off"
"""The proxy's door for cancels: what follows is the vendor's path. They are throttled as polls are, by whatever method
they go, and a submit has the same method often.
"""


class Metric(StrEnum):
    """Metric names; dimensions are always `service` and `vendor`."""

    CALLS_DISPATCHED = "CallsDispatched"
    CALLS_ACCEPTED = "CallsAccepted"
    CALLS_THROTTLED = "CallsThrottled"
    CALLS_REJECTED = "CallsRejected"
    CALLS_DUPLICATE = "CallsDuplicate"
    CALLS_EXPIRED = "CallsExpired"
    CALLS_REQUEUED = "CallsRequeued"
    CALLS_UNREADY = "CallsUnready"
    """Requeued because something of ours failed before the vendor was called."""
    CALLS_DOUBTFUL = "CallsDoubtful"
    """Attempts after which nobody knows whether the vendor has the job."""
    DAY_CAPPED = "DayCapped"
    """Requeued because as many calls were made today as the operator allows."""
    IN_FLIGHT_FULL = "InFlightFull"
    PERMITS_MISSED = "PermitsMissed"
    PERMITS_MISSED_COLD = "PermitsMissedCold"
    """Those among them that a worker missed which had just been started."""
    PERMITS_LATE = "PermitsLate"
    SLOT_TO_SOCKET = "SlotToSocket"
    """Milliseconds from a call's slot to its socket, one value a call."""
    SOCKET_TO_ANSWER = "SocketToAnswer"
    """Milliseconds from there to the vendor's answer."""
    COOL_DOWNS_RETRY_AFTER = "CoolDownsRetryAfter"
    COOL_DOWNS_RATE_LIMIT_HEADER = "CoolDownsRateLimitHeader"
    COOL_DOWNS_HTTP_429 = "CoolDownsHttp429"
    COOL_DOWNS_UNREAD = "CoolDownsUnread"
    COOL_DOWNS_CIRCUIT = "CoolDownsCircuit"
    REQUESTS_MALFORMED = "RequestsMalformed"
    CONFIGURATIONS_UNREAD = "ConfigurationsUnread"
    """AppConfig did not answer, or said what nobody can read: the last good one holds."""
    FORMATS_NEWER = "FormatsNewer"
    CALLBACKS_RESUMED = "CallbacksResumed"
    CALLBACKS_HEARTBEAT = "CallbacksHeartbeat"
    CALLBACKS_EARLY = "CallbacksEarly"
    CALLBACKS_DUPLICATE = "CallbacksDuplicate"
    CALLBACKS_LATE = "CallbacksLate"
    CALLBACKS_IGNORED = "CallbacksIgnored"
    CALLBACKS_CONFIRMED = "CallbacksConfirmed"
    CALLBACKS_FORGED = "CallbacksForged"
    CALLBACKS_MALFORMED = "CallbacksMalformed"
    CALLBACKS_UNREADY = "CallbacksUnready"
    """Back in their queue because something of ours failed; the third time they are put aside."""
    CHECKS_SETTLED = "ChecksSettled"
    CHECKS_PENDING = "ChecksPending"
    CHECKS_LOST = "ChecksLost"
    CHECKS_OVER = "ChecksOver"
    CHECKS_WAITING = "ChecksWaiting"
    RESULTS_FETCHED = "ResultsFetched"
    RESULTS_REJECTED = "ResultsRejected"
    RESULTS_REQUEUED = "ResultsRequeued"
    RESULTS_OVER = "ResultsOver"
    STOPS_PENDING = "StopsPending"
    """Searches for the calls of a stopped execution that found jobs to call off."""
    STOPS_OVER = "StopsOver"
    CANCELS_DONE = "CancelsDone"
    CANCELS_REFUSED = "CancelsRefused"
    CANCELS_REQUEUED = "CancelsRequeued"
    CANCELS_OVER = "CancelsOver"


CONTRACT_PROFILE: Final = "contract"
"""AppConfig profile with the vendor's contract file; the AppConfig environment is the vendor."""
TUNING_PROFILE: Final = "tuning"
"""AppConfig profile with the operator's delay and rate for the vendor."""
