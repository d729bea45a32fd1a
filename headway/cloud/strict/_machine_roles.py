"""A state machine's role is asked for each task's call, and its log delivery when it is made or changed.

Step Functions calls other services in the machine's role (developer guide, "How Step Functions generates IAM policies
for integrated services"), and refuses a machine with a log whose role may not deliver to it ("Using CloudWatch Logs to
log execution history"). ministack calls its own functions, in nobody's role.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions

from headway.cloud.patches import distributed_map
from headway.cloud.strict._roles import Actor, acting, acting_as, denial

STATES: Final = "states.amazonaws.com"
LOG_DELIVERY: Final = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
"""What the guide has a role allow on `*` for a machine's log."""
TOKENS_AT_MOST: Final = 50_000
"""Task tokens whose machine is remembered."""

_CALLBACK: Final = ".waitForTaskToken"
_OPTIMIZED: Final = "arn:aws:states:::"
_ERRORS: Final = {
    "lambda": "Lambda.AWSLambdaException",
    "sqs": "SQS.SqsException",
    "sns": "SNS.SnsException",
    "dynamodb": "DynamoDB.DynamoDbException",
    "states": "StepFunctions.SfnException",
    "events": "EventBridge.EventBridgeException",
}
"""The error of a refused call, by IAM's name of the service."""

_S3_ACTIONS: Final = {"listObjects": "ListBucket", "listObjectsV2": "ListBucket", "headObject": "GetObject"}
"""Operations that IAM has no action of the same name for (API reference of S3)."""

_machines: dict[str, str] = {}


class _Tokens(dict[str, Any]):
    """The open task tokens; remembers of each which machine has it, for who answers it."""

    def __setitem__(self, token: str, task: Any) -> None:
        actor = acting()
        if actor is not None:
            if len(_machines) >= TOKENS_AT_MOST:
                del _machines[next(iter(_machines))]
            _machines[token] = actor.source_arn
        super().__setitem__(token, task)


def machine_of(token: str) -> str | None:
    """Return the ARN of the machine that waits, or has waited, on a task token; None for one that never was."""
    return _machines.get(token)


def calls_of(resource: str, arguments: Any) -> tuple[str, str, str] | None:
    """Return what a task asks of IAM: action, resource, and the error where it is refused; None where nothing."""
    given: Mapping[str, Any] = arguments if isinstance(arguments, Mapping) else {}
    clean = resource.replace(_CALLBACK, "").partition(".sync")[0]
    if ":function:" in clean:
        return _called("lambda:InvokeFunction", clean)
    if not clean.startswith(_OPTIMIZED):
        return None  # an activity is not called, and an API asks for itself (`_api_calls`)
    service, _, action = clean.removeprefix(_OPTIMIZED).partition(":")
    if service == "aws-sdk":
        sdk, _, action = action.partition(":")
        return _sdk_call(sdk, action, given)
    place = f"{get_region()}:{get_account_id()}"
    if (service, action) == ("lambda", "invoke"):
        name = str(given.get("FunctionName", ""))
        return _called(
            "lambda:InvokeFunction", name if name.startswith("arn:") else f"arn:aws:lambda:{place}:function:{name}"
        )
    if (service, action) == ("states", "startExecution"):
        return _called(
            "states:StartExecution", str(given.get("StateMachineArn") or given.get("stateMachineArn") or "*")
        )
    if service == "sqs":
        return _called("sqs:SendMessage", _found("sqs", given))
    if service == "events":
        return _called("events:PutEvents", _bus_of(given))
    if service == "sns":
        return _called("sns:Publish", str(given.get("TopicArn") or given.get("TargetArn") or "*"))
    if service == "dynamodb":
        return _called(f"dynamodb:{_pascal(action)}", _found("dynamodb", given))
    return None


def apply() -> None:
    """Act in the machine's role while a task runs, and ask before each call."""
    stepfunctions._task_tokens = _Tokens(stepfunctions._task_tokens)
    execute = stepfunctions._execute_task
    invoke = stepfunctions._invoke_resource
    invoke_with_callback = stepfunctions._invoke_with_callback

    def execute_in_role(state: Any, given: Any, execution: Any, context: Any) -> Any:
        actor = _actor(execution) if execution else None
        if actor is None:
            return execute(state, given, execution, context)
        with acting_as(actor):
            return execute(state, given, execution, context)

    def invoke_allowed(resource: str, arguments: Any) -> Any:
        _ask(resource, arguments)
        return invoke(resource, arguments)

    def invoke_allowed_with_callback(resource: str, arguments: Any, *rest: Any) -> Any:
        _ask(resource, arguments)
        return invoke_with_callback(resource, arguments, *rest)

    def ask_in_role(execution: Any, resource: str, arguments: Any) -> None:
        if actor := _actor(execution):
            with acting_as(actor):
                _ask(resource, arguments)

    stepfunctions._execute_task = execute_in_role
    distributed_map.ask = ask_in_role
    stepfunctions._invoke_resource = invoke_allowed
    stepfunctions._invoke_with_callback = invoke_allowed_with_callback


def log_refused(role_arn: str, machine_arn: str, logging: Any) -> str | None:
    """Return why a machine's log may not be delivered in its role; None where it may, or where it has none."""
    if not isinstance(logging, Mapping):
        return None
    level = logging.get("level", logging.get("Level", "OFF"))
    if level == "OFF":
        return None
    actor = Actor(role_arn, STATES, machine_arn, "log-delivery")
    refused = [action for action in LOG_DELIVERY if denial(actor, action, "*")]
    return "The state machine IAM Role is not authorized to access the Log Destination" if refused else None


def _actor(execution: Mapping[str, Any]) -> Actor | None:
    machine = execution["stateMachineArn"].partition("/")[0]  # of a Distributed Map's child: its parent's
    arn = stepfunctions._resolve_state_machine_arn(machine)
    return Actor(stepfunctions._state_machines[arn].get("roleArn", ""), STATES, arn, "execution") if arn else None


def _ask(resource: str, arguments: Any) -> None:
    actor = acting()
    call = calls_of(resource, arguments)
    if actor is None or call is None:
        return
    action, what, error = call
    if message := denial(actor, action, what):
        raise stepfunctions._ExecutionError(error, message)


def _sdk_call(service: str, action: str, given: Mapping[str, Any]) -> tuple[str, str, str]:
    known = {"sfn": "states", "cloudwatchlogs": "logs", "eventbridge": "events"}.get(service.lower(), service.lower())
    error = f"{_pascal(service)}.{_pascal(service)}Exception"
    if known == "s3":
        key = f"/{given['Key']}" if "Key" in given else ""
        named = _S3_ACTIONS.get(action, _pascal(action))
        return f"s3:{named}", f"arn:aws:s3:::{given.get('Bucket', '*')}{key}", error
    if known == "states":
        given = {name[:1].lower() + name[1:]: value for name, value in given.items()}
    if known == "lambda" and "FunctionName" in given:
        action = "InvokeFunction" if action.lower() == "invoke" else action
        _, what, _ = calls_of(f"{_OPTIMIZED}lambda:invoke", given) or ("", "*", "")
        return f"lambda:{_pascal(action)}", what, error
    return f"{known}:{_pascal(action)}", _found(known, given), error


def _found(service: str, given: Mapping[str, Any]) -> str:
    """Return the resource that ministack's engine finds in the same call made from outside."""
    body = b"{}"
    with suppress(TypeError):
        body = json.dumps(given).encode()
    found = iam_actions.extract_resource_arn(service, "POST", "/", {}, body, {}, get_region(), get_account_id())
    return str(found)


def _bus_of(given: Mapping[str, Any]) -> str:
    """Return the bus of the first event, by its name or ARN; the account's own without one."""
    entries = given.get("Entries") or [{}]
    name = str(entries[0].get("EventBusName") or "default")
    return name if name.startswith("arn:") else f"arn:aws:events:{get_region()}:{get_account_id()}:event-bus/{name}"


def _called(action: str, resource: str) -> tuple[str, str, str]:
    return action, resource, _ERRORS[action.partition(":")[0]]


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]
