"""A call has parameters that its action takes, spelt as Step Functions wants them."""

from collections.abc import Iterator
from difflib import get_close_matches

from headway.validation.finding import Severity
from headway.validation.integrations import Parameters, integration_of, parameters_of
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find parameters that an action does not take."""
    for state in subject.tasks:
        integration = integration_of(state.resource)
        arguments = state.arguments
        known = parameters_of(integration) if integration and isinstance(arguments, dict) else None
        if known is None or integration is None:
            continue
        for name in arguments:
            plain = name if state.jsonata else name.removesuffix(".$")
            if not _is_taken(plain, known):
                near = _nearest(plain, known)
                fix = f"did you mean `{near}`?" if near else f"it takes {', '.join(sorted(known.known)) or 'none'}"
                place = (*state.path, state.arguments_field, name)
                yield Hit(place, f"`{integration.name}` takes no `{plain}`", fix)


def _is_taken(name: str, known: Parameters) -> bool:
    """Tell whether a name is one of them; Step Functions writes `DbInstance...` for the service's `DBInstance...`."""
    return name in known.known or (name[:1].isupper() and name.lower() in {one.lower() for one in known.known})


def _nearest(name: str, known: Parameters) -> str | None:
    lower = {one.lower(): one for one in known.known}
    found = get_close_matches(name.lower(), lower, n=1, cutoff=0.75)
    return lower[found[0]] if found else None


RULE = LintRule(
    id="unknown-parameter",
    severity=Severity.ERROR,
    title="A call has a parameter that its action does not take",
    why="Step Functions refuses it, or the state fails; names begin with a capital, whatever the service's own say.",
    fix="name a parameter of the action",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage
  Arguments: {QueueUrl: "${Queue}", MessageBody: a, DelaySecond: 5}
  End: true
""",
        """
# JSONPath
Look:
  Type: Task
  Resource: arn:aws:states:::aws-sdk:s3:getObject
  Parameters: {bucket: orders, Key.$: $.key, Bucket: orders}
  End: true
""".lstrip(),
    ),
    right=(
        """
Look:
  Type: Task
  Resource: arn:aws:states:::aws-sdk:rds:describeDBInstances
  Arguments: {DbInstanceIdentifier: orders}
  End: true
""",
        """
# JSONPath
Run:
  Type: Task
  Resource: arn:aws:states:::ecs:runTask.sync
  Parameters: {Cluster: "${Cluster}", TaskDefinition: "${Task}", LaunchType: FARGATE}
  End: true
""".lstrip(),
    ),
)
