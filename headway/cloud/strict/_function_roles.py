"""A function's role is asked by the poller that works for it, and when its log is written.

Lambda polls a queue in the role of the function (developer guide, "Using Lambda with Amazon SQS": ReceiveMessage,
DeleteMessage, GetQueueAttributes), and checks that when the mapping is made; it writes the log in that role, too, and
a function without the grants runs without a log. ministack polls and writes in nobody's role.
"""

from collections.abc import Mapping
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, sqs

from headway.cloud.strict._roles import Actor, acting, acting_as, denial

LAMBDA: Final = "lambda.amazonaws.com"
POLLING: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
LOGGING: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


def actor_of(config: Mapping[str, Any]) -> Actor:
    """Return who acts for a function, from its configuration."""
    arn = str(config.get("FunctionArn", ""))
    return Actor(str(config.get("Role", "")), LAMBDA, arn, str(config.get("FunctionName", "")))


def polling_refused(function_name: str, qualifier: str | None, queue_arn: str) -> str | None:
    """Return AWS's message where a function's role may not poll a queue."""
    if ":sqs:" not in queue_arn:
        return None
    record, _ = lambda_svc._get_func_record_for_qualifier(function_name, qualifier)
    if record is None:
        return None
    actor = actor_of(record["config"])
    for action in POLLING:
        if denial(actor, action, queue_arn):
            call = action.partition(":")[2]
            return f"The function execution role does not have permissions to call {call} on SQS"
    return None


def apply() -> None:
    """Poll, delete and log where the role allows it."""
    concurrency = lambda_svc._sqs_esm_concurrency
    run_batch = lambda_svc._run_sqs_batch
    delete = sqs._delete_messages_for_esm
    emit = lambda_svc._emit_lambda_logs

    def concurrency_allowed(mapping: Any, function: Any, config: Any, queue: Any = None) -> int:
        actor = actor_of(function["config"])
        # A mapping whose role lost one of these polls nothing: AWS shows a problem and tries again.
        if any(denial(actor, action, mapping["EventSourceArn"]) for action in (POLLING[0], POLLING[2])):
            return 0
        return int(concurrency(mapping, function, config, queue))

    def run_batch_in_role(mapping: Any, function: Any, *rest: Any) -> Any:
        with acting_as(actor_of(function["config"])):
            return run_batch(mapping, function, *rest)

    def delete_allowed(queue_url: str, handles: Any) -> Any:
        actor = acting()
        queue = sqs._queues.get(queue_url)
        if actor is not None and queue and denial(actor, POLLING[1], queue["attributes"]["QueueArn"]):
            return None
        return delete(queue_url, handles)

    def emit_allowed(function: Any, *rest: Any, **options: Any) -> None:
        config = function.get("config") or function
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
        # The log group's ARN ends with `:*` in policies: its streams.
        arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:*"
        actor = actor_of(config)
        if not any(denial(actor, action, arn) for action in LOGGING):
            emit(function, *rest, **options)

    lambda_svc._sqs_esm_concurrency = concurrency_allowed
    lambda_svc._run_sqs_batch = run_batch_in_role
    sqs._delete_messages_for_esm = delete_allowed
    lambda_svc._emit_lambda_logs = emit_allowed
