"""Names of what the stacks say of themselves: written by `StatelessStack`, read by `headway.deployment.stack`."""

from enum import StrEnum
from typing import Final

STACKS: Final = ("HeadwayStateful", "HeadwayStateless")
"""In the order of their deployment."""


class StackOutput(StrEnum):
    """Outputs of the stacks, by their keys in CloudFormation."""

    WORKFLOWS = "Workflows"
    """JSON: workflow -> vendor -> ARN of the state machine."""
    VENDORS = "Vendors"
    """JSON: vendor -> VendorResource -> its URL, ARN or name."""
    CALLS_TABLE = "CallsTable"
    JOBS_TABLE = "JobsTable"
    BUDGETS_TABLE = "BudgetsTable"
    CLAIMS_BUCKET = "ClaimsBucket"
    CALLBACK_QUEUE_URL = "CallbackQueueUrl"
    CALLBACK_DLQ_URL = "CallbackDlqUrl"
    CALLBACK_FUNCTION = "CallbackFunction"
    CALLBACK_URL = "CallbackUrl"
    """Without the vendor's name at its end."""


class VendorResource(StrEnum):
    """What one vendor's lane has; whether it has the optional ones follows from its contract."""

    REQUEST_QUEUE_URL = "request_queue_url"
    REQUEST_DLQ_URL = "request_dlq_url"
    DISPATCH_MACHINE_ARN = "dispatch_machine_arn"
    DISPATCHER_FUNCTION = "dispatcher_function"
    DRAIN_FUNCTION = "drain_function"
    REJECTION_FUNCTION = "rejection_function"
    RESULTS_FUNCTION = "results_function"
    PROXY_API_ID = "proxy_api_id"
    URGENT_QUEUE_URL = "urgent_queue_url"
    CALLER_FUNCTION = "caller_function"
    RECONCILER_FUNCTION = "reconciler_function"
    WEBHOOK_KEY_ARN = "webhook_key_arn"
    API_TOKEN_ARN = "api_token_arn"  # noqa: S105 - the name of an ARN


OPTIONAL: Final = frozenset(
    {
        VendorResource.URGENT_QUEUE_URL,
        VendorResource.CALLER_FUNCTION,
        VendorResource.RECONCILER_FUNCTION,
        VendorResource.WEBHOOK_KEY_ARN,
        VendorResource.API_TOKEN_ARN,
    }
)
