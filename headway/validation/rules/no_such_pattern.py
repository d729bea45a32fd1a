"""An action can be waited for as its Resource says."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.integrations import OPTIMIZED, WAIT, Integration, integration_of
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find actions that cannot call back, or whose job cannot be waited for."""
    for state in subject.tasks:
        integration = integration_of(state.resource)
        if integration is not None and integration.how and integration.how not in _patterns(integration):
            found = "cannot call back" if integration.how in WAIT else f"has no pattern `.{integration.how}`"
            yield Hit((*state.path, "Resource"), f"`{integration.name}` {found}", _way(integration))


def _patterns(integration: Integration) -> tuple[str, ...]:
    """Return the patterns of an action; all that were asked for where the action itself is not known."""
    if integration.sdk:
        return WAIT
    return OPTIMIZED.get(integration.service, {}).get(integration.action, (integration.how,))


def _way(integration: Integration) -> str:
    patterns = _patterns(integration)
    beside = " or ".join(f"`.{name}`" for name in patterns)
    return f"use {beside}, or leave the pattern out" if patterns else "leave the pattern out: it answers at once"


RULE = LintRule(
    id="no-such-pattern",
    severity=Severity.ERROR,
    title="An action cannot be waited for in this way",
    why="Step Functions refuses the machine: a callback or a job is to be waited for, and the action has none.",
    fix="leave the pattern out, or hand the token to an action that can call back (sqs:sendMessage, lambda:invoke)",
    check=check,
    broken=(
        """
Keep:
  Type: Task
  Resource: arn:aws:states:::dynamodb:putItem.waitForTaskToken
  Arguments: {TableName: orders, Item: {token: {S: "{% $states.context.Task.Token %}"}}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.ALL], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
        """
Look:
  Type: Task
  Resource: arn:aws:states:::aws-sdk:athena:startQueryExecution.sync
  Arguments: {QueryString: SELECT 1}
  End: true
""",
    ),
    right=(
        """
Look:
  Type: Task
  Resource: arn:aws:states:::athena:startQueryExecution.sync
  Arguments: {QueryString: SELECT 1}
  End: true
""",
    ),
)
