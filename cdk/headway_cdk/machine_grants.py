"""What a state machine may do: it follows from its file, from each task's call and the placeholders in its arguments.

IAM actions are those of the service authorization reference; the guide's pages are named where a call needs more than
the action of its own name. Nothing of CDK here.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway_lane.messages.claim import requests_folder, results_folder

from headway_cdk.configuration import ConfigurationError
from headway_cdk.placeholders import PLACEHOLDER, AwsAccount, Binding, ResourceKind

MANAGED_RULE: Final = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
"""By which Step Functions hears of a nested execution's end (developer guide, `stepfunctions-iam`)."""

_CALL: Final = re.compile(r"arn:(?:[a-z-]+|\$\{[^}]+\}):states:::(?:aws-sdk:)?(?P<what>\w+:\w+)(?P<how>\..+)?")
_ACTIVITY: Final = ":activity:"
_KINDS: Final = {
    "lambda": ResourceKind.FUNCTION,
    "sqs": ResourceKind.QUEUE,
    "dynamodb": ResourceKind.TABLE,
    "s3": ResourceKind.BUCKET,
    "states": ResourceKind.MACHINE,
    "sfn": ResourceKind.MACHINE,
    "apigateway": ResourceKind.API,
    "events": ResourceKind.BUS,
    "eventbridge": ResourceKind.BUS,
}
"""What the calls of a service are about, by its name in an ARN of Step Functions."""
_IAM_NAMES: Final = {"sfn": "states", "eventbridge": "events"}
"""Services whose actions have another name in front than their SDK."""
_FIELDS: Final = {
    ResourceKind.FUNCTION: {"FunctionName"},
    ResourceKind.QUEUE: {"QueueUrl"},
    ResourceKind.TABLE: {"TableName", "RequestItems"},
    ResourceKind.BUCKET: {"Bucket"},
    ResourceKind.MACHINE: {"StateMachineArn"},
    ResourceKind.API: {"ApiEndpoint"},
    ResourceKind.BUS: {"EventBusName"},
}
"""Where the arguments of a call name what it is about (API references of the services)."""
_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "apigateway:invoke": ("execute-api:Invoke",),
    "lambda:invoke": ("lambda:InvokeFunction",),
    "sqs:sendMessageBatch": ("sqs:SendMessage",),
    "sqs:deleteMessageBatch": ("sqs:DeleteMessage",),
    "sqs:changeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility",),
    "dynamodb:transactGetItems": ("dynamodb:GetItem",),
    "s3:getObject": ("s3:GetObject",),
    "s3:headObject": ("s3:GetObject",),
    "s3:putObject": ("s3:PutObject",),
    "s3:deleteObject": ("s3:DeleteObject",),
    "s3:listObjects": ("s3:ListBucket",),
    "s3:listObjectsV2": ("s3:ListBucket",),
}
"""Actions that are not the operation's own name (service authorization reference, API reference of S3); of S3 all."""
_NOT_ONE_ACTION: Final = {
    "dynamodb:batchExecuteStatement",
    "dynamodb:executeStatement",
    "dynamodb:executeTransaction",
    "dynamodb:transactWriteItems",
}
"""IAM asks for other actions there, by what the statement or transaction does."""
_OF_THE_BUCKET: Final = {"s3:ListBucket"}
_RESULT_WRITER: Final = ("s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
"""Of a Distributed Map's results (developer guide, `iam-policies-eg-dist-map`)."""
_CLAIM_FOLDERS: Final = {
    "s3:GetObject": results_folder,
    **dict.fromkeys(("s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"), requests_folder),
}
"""What authors may do in a lane's bucket, and where: lay requests down, read results."""
_WAITS: Final = ".waitForTaskToken"


class UngrantedCall(ConfigurationError):  # noqa: N818 - says what happened
    """No grant follows from the call of a state; with the reason and the way out, each in words."""

    def __init__(self, file: str, state: str, why: str, fix: str) -> None:
        super().__init__(f"{file}: state `{state}`: {why}; {fix}")
        self.state = state
        self.why = why
        self.fix = fix


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a service: `what` is `service:operation`, `how` a suffix such as `.sync:2`."""

    state: str
    what: str
    how: str
    arguments: Any
    writes_results: bool = False

    @property
    def kind(self) -> ResourceKind | None:
        return _KINDS.get(self.what.partition(":")[0])

    @property
    def actions(self) -> tuple[str, ...]:
        """The IAM actions; none where they do not follow from the operation."""
        service, _, operation = self.what.partition(":")
        if self.writes_results:
            return _RESULT_WRITER
        if self.what in _ACTIONS:
            return _ACTIONS[self.what]
        if self.what in _NOT_ONE_ACTION or service in ("s3", "apigateway"):
            return ()
        return (f"{_IAM_NAMES.get(service, service)}:{operation[0].upper()}{operation[1:]}",)

    def about(self, bound: Mapping[str, Binding]) -> list[Binding]:
        """Return what the call names, out of what is bound."""
        if self.kind is None:
            return []
        text = " ".join(_named(self.arguments, _FIELDS[self.kind]))
        found = [bound[name] for name in PLACEHOLDER.findall(text) if name in bound]
        return [one for one in found if one.kind is self.kind]


def grants_of(
    document: Any,
    bound: Mapping[str, Binding],
    *,
    file: str,
    machine: str,
    account: AwsAccount,
    by_hand: Collection[str] = (),
) -> dict[str, list[str]]:
    """Return what a machine's role has to allow: IAM action -> ARNs, each once.

    `machine` is its own name; `by_hand` are the states whose calls somebody else grants. ConfigurationError, with
    `file`, for a call from which no grant follows.
    """
    grants: dict[str, dict[str, None]] = {}
    for call in _calls(document, bound, file):
        if call.state not in by_hand:
            for action, arn in _grants_of_call(call, bound, file, account):
                grants.setdefault(action, {})[arn] = None
    for label in _distributed_maps(document):
        for action, arn in _grants_of_map(machine, label, account):
            grants.setdefault(action, {})[arn] = None
    return {action: list(arns) for action, arns in grants.items()}


def waits_for(document: Any, bound: Mapping[str, Binding]) -> set[str]:
    """Return the vendors whose lanes may settle tasks of a machine: those that it sends its task tokens to."""
    sent = [call for call in _calls(document, bound, "") if call.kind is ResourceKind.QUEUE and call.how == _WAITS]
    return {one.vendor for call in sent for one in call.about(bound) if one.vendor}


def _states(document: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield all states with their names, those inside Map and Parallel, too."""
    for name, state in document.get("States", {}).items():
        yield name, state
        inner = [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]
        for part in inner:
            yield from _states(part or {})


def _calls(document: Any, bound: Mapping[str, Binding], file: str) -> Iterator[_Call]:
    for name, state in _states(document):
        if state.get("Type") == "Task":
            yield from _calls_of_task(name, state, bound, file)
        for field in ("ItemReader", "ResultWriter"):
            if (part := state.get(field)) and (match := _CALL.fullmatch(part.get("Resource", ""))):
                yield _Call(name, match["what"], "", _arguments(part), writes_results=field == "ResultWriter")


def _calls_of_task(name: str, state: Mapping[str, Any], bound: Mapping[str, Binding], file: str) -> Iterator[_Call]:
    resource = state.get("Resource", "")
    if match := _CALL.fullmatch(resource):
        yield _Call(name, match["what"], match["how"] or "", _arguments(state))
    elif (whole := PLACEHOLDER.fullmatch(resource)) and bound.get(whole[1], Binding("")).kind is ResourceKind.FUNCTION:
        yield _Call(name, "lambda:invoke", "", {"FunctionName": resource})
    elif _ACTIVITY not in resource:  # whoever works for an activity asks for it: the machine calls nobody
        fix = "name a call such as `arn:aws:states:::lambda:invoke`, or a function's placeholder"
        raise UngrantedCall(file, name, f"`Resource` is {resource!r}", fix)


def _arguments(part: Mapping[str, Any]) -> Any:
    return part.get("Arguments", part.get("Parameters"))


def _named(arguments: Any, fields: set[str]) -> Iterator[str]:
    """Yield what stands in some fields, at any depth; all of it where the arguments are one expression."""
    if isinstance(arguments, str):
        yield arguments
    for key, value in arguments.items() if isinstance(arguments, dict) else ():
        if key.removesuffix(".$") in fields:
            yield json.dumps(value)
        elif not isinstance(value, str):
            yield from _named(value, fields)
    for value in arguments if isinstance(arguments, list) else ():
        if not isinstance(value, str):
            yield from _named(value, fields)


def _grants_of_call(
    call: _Call, bound: Mapping[str, Binding], file: str, account: AwsAccount
) -> Iterator[tuple[str, str]]:
    about = call.about(bound)
    if not about or not call.actions:
        what = f"no grant follows from `{call.what}`" if about else f"`{call.what}` names nothing by a placeholder"
        way = "" if about or call.kind is None else f"name its {call.kind} by one, or "
        fix = f"{way}grant it on `HeadwayWorkflow.machine` in cdk/app.py, with the state's name in `by_hand`"
        raise UngrantedCall(file, call.state, what, fix)
    for one in about:
        for action in call.actions:
            yield action, _resource(call, one, action, file)
    if call.what == "states:startExecution" and call.how.startswith(".sync"):
        for one in about:
            yield "states:DescribeExecution", one.executions_arn
            yield "states:StopExecution", one.executions_arn
        for action in ("events:PutTargets", "events:PutRule", "events:DescribeRule"):
            yield action, account.arn("events", MANAGED_RULE)


def _resource(call: _Call, one: Binding, action: str, file: str) -> str:
    if one.kind is not ResourceKind.BUCKET:
        return one.arn
    if one.vendor:
        if action not in _CLAIM_FOLDERS:
            why = "a lane's bucket takes requests (`s3:putObject`) and gives results (`s3:getObject`)"
            raise UngrantedCall(file, call.state, why, f"use a bucket of your own for `{call.what}`")
        return f"{one.arn}/{_CLAIM_FOLDERS[action](one.vendor)}/*"
    return one.arn if action in _OF_THE_BUCKET else f"{one.arn}/*"


def _distributed_maps(document: Any) -> Iterator[str]:
    """Yield the label of each Distributed Map; `*` where it has none, and Step Functions makes one."""
    for _, state in _states(document):
        processor = state.get("ItemProcessor", {})
        if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            yield state.get("Label", "*")


def _grants_of_map(machine: str, label: str, account: AwsAccount) -> Iterator[tuple[str, str]]:
    """Yield what a Distributed Map needs (developer guide, `iam-policies-eg-dist-map`): it starts its own machine."""
    itself = account.machine(machine)
    yield "states:StartExecution", itself.arn
    yield "states:DescribeExecution", itself.executions_arn
    yield "states:StopExecution", itself.executions_arn
    yield "states:RedriveExecution", account.executions_arn(f"{machine}/{label}")
