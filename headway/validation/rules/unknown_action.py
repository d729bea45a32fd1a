"""What a Task calls is there."""

from collections.abc import Iterator
from difflib import get_close_matches

from headway.asl.model import State
from headway.asl.placeholders import is_unknown
from headway.validation.finding import Severity
from headway.validation.integrations import (
    OPTIMIZED,
    Integration,
    integration_of,
    operation_of,
    operations_of,
    sdk_folder,
    sdk_services,
)
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find calls of services and actions that there are not."""
    for state in subject.tasks:
        integration = integration_of(state.resource)
        if integration is not None:
            yield from _sdk(state, integration) if integration.sdk else _optimized(state, integration)


def _sdk(state: State, integration: Integration) -> Iterator[Hit]:
    place = (*state.path, "Resource")
    folder = sdk_folder(integration.service)
    if folder is None:
        near = get_close_matches(integration.service, sdk_services(), n=1)
        fix = f"did you mean `{near[0]}`?" if near else ""
        severity = None if near else Severity.WARNING  # a service that is younger than the SDK here
        yield Hit(place, f"the SDK has no service `{integration.service}`", fix, severity)
    elif operation_of(folder, integration.action) is None:
        known = [_camel(name) for name in operations_of(folder)]
        near = get_close_matches(integration.action, known, n=1)
        yield _no_action(state, integration, f"did you mean `{near[0]}`?" if near else "")


def _optimized(state: State, integration: Integration) -> Iterator[Hit]:
    actions = OPTIMIZED.get(integration.service)
    if actions is None:
        if is_unknown(state.resource):
            return
        near = get_close_matches(integration.service, OPTIMIZED, n=1)
        way = f"did you mean `{near[0]}`?" if near else f"call `arn:aws:states:::aws-sdk:{integration.name}`"
        yield Hit((*state.path, "Resource"), f"there is no integration `{integration.service}`", way)
    elif integration.action not in actions:
        near = get_close_matches(integration.action, actions, n=1)
        sdk = f"call `arn:aws:states:::aws-sdk:{integration.name}`, or one of {', '.join(actions)}"
        yield _no_action(state, integration, f"did you mean `{near[0]}`?" if near else sdk)


def _no_action(state: State, integration: Integration, fix: str) -> Hit:
    return Hit((*state.path, "Resource"), f"`{integration.service}` has no action `{integration.action}`", fix)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


RULE = LintRule(
    id="unknown-action",
    severity=Severity.ERROR,
    title="A Task calls an action that there is not",
    why="Step Functions refuses the machine, or the state fails when it is reached.",
    fix="name an action of the service, in camel case",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMesage
  Arguments: {QueueUrl: "${Queue}", MessageBody: "{% $states.input.a %}"}
  End: true
""",
        """
Look:
  Type: Task
  Resource: arn:aws:states:::aws-sdk:s3:lookObjects
  Arguments: {Bucket: "${Bucket}"}
  End: true
""",
        """
Look: {Type: Task, Resource: "arn:aws:states:::aws-sdk:dynamdb:getItem", Arguments: {TableName: a, Key: {}}, End: true}
""",
    ),
    right=(
        """
Look: {Type: Task, Resource: "arn:aws:states:::aws-sdk:s3:listObjectsV2", Arguments: {Bucket: "${Bucket}"}, End: true}
""",
        """
Look:
  Type: Task
  Resource: arn:${AWS::Partition}:states:::aws-sdk:cloudwatchlogs:startQuery
  Arguments: "{% $states.input.query %}"
  End: true
""",
    ),
)
