"""The package's machines with plain values, as Step Functions would get them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from headway_cdk.definitions import bind
from headway_cdk.resources import WORKFLOWS
from headway_lane.messages.trace_context import TRACE_EXPRESSION, TRACE_HEADER

from headway.testing.kit.interpreter import ACCOUNT_ID, REGION

ECHO_ARN: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:echo"
REQUESTS: Final = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/requests"
URGENT: Final = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/urgent"
RESULTS: Final = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/results"
NAMES: Final = tuple(sorted(path.name.removesuffix(".asl.json") for path in WORKFLOWS.glob("*.asl.json")))

_EXPRESS: Mapping[str, Any] = {
    "SettlerFunctionArn": ECHO_ARN,
    "SettleTimeoutSeconds": 15,
    "ExpressTimeoutSeconds": 300,
}
VALUES: Final[Mapping[str, Mapping[str, Any]]] = {
    "call_vendor": {
        "Vendor": "replicate",
        "RequestQueueUrl": REQUESTS,
        "UrgentQueueUrl": URGENT,
        "ResultsQueueUrl": RESULTS,
        "WorkflowTimeoutSeconds": 600,
        "CallTimeoutSeconds": 300,
        "CallHeartbeatSeconds": 200,
        "FetchTimeoutSeconds": 100,
        "FetchHeartbeatSeconds": 50,
    },
    "dispatch_call": {
        **_EXPRESS,
        "CallerFunctionArn": ECHO_ARN,
        "CallerTimeoutSeconds": 40,
    },
    "dispatch_call_direct": {
        **_EXPRESS,
        "Vendor": "replicate",
        "CallsTable": "calls",
        "JobsTable": "jobs",
        "JobTtlSeconds": 86_400,
        "ProxyHost": "abc.execute-api.us-east-1.amazonaws.com",
        "ProxyStage": "v",
        "SubmitMethod": "POST",
        "SubmitPath": "/jobs",
        "SubmitFields": {"notify": "https://example.com/callbacks/replicate"},
        "SubmitHeaders": {TRACE_HEADER: [TRACE_EXPRESSION]},
        "JobIdPath": "job.id",
    },
}


def definition(name: str, **changes: Any) -> Any:
    """Return a workflow with plain values bound."""
    bound = bind(name, {**VALUES[name], **changes})
    text = bound.text
    for placeholder, value in bound.substitutions.items():
        text = text.replace(f"${{{placeholder}}}", value)
    return json.loads(text)


def echo(event: Any, _: object) -> Any:
    """Be a function that says what it heard, and that it rejects it."""
    return {"outcome": "rejected", "error": "Echo.Rejected", "cause": "it only echoes", "heard": event}
