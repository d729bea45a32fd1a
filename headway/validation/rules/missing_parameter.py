"""A call has the parameters that its action needs."""

from collections.abc import Iterator
from typing import Final

from headway.asl.placeholders import is_unknown
from headway.asl.state_form import ARGUMENT_MISSING
from headway.validation.finding import Severity
from headway.validation.integrations import integration_of, parameters_of
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_ONE_OF: Final = {"sns:publish": ("TopicArn", "TargetArn", "PhoneNumber")}
"""Actions that need one of several (API reference)."""


def check(subject: Subject) -> Iterator[Hit]:
    """Find arguments without what the action needs; what is one expression or a placeholder may have it."""
    told = {path for path, one in subject.form if one.message.endswith(ARGUMENT_MISSING)}
    for state in subject.tasks:
        integration, arguments = integration_of(state.resource), state.arguments
        place = (*state.path, state.arguments_field)
        if integration is None or not isinstance(arguments, dict) or is_unknown(arguments):
            continue
        given = {name.lower() if state.jsonata else name.removesuffix(".$").lower() for name in arguments}
        known = parameters_of(integration)
        missing = sorted(name for name in known.needed if name.lower() not in given) if known else []
        wanted = _ONE_OF.get(integration.name, ())
        if wanted and not any(name.lower() in given for name in wanted):
            missing.append(" or ".join(wanted))
        for name in missing:
            yield Hit(place, f"`{integration.name}` needs `{name}`", f"add `{name}`")
        if not missing and place in told:
            for path, one in subject.form:
                if path == place and one.message.endswith(ARGUMENT_MISSING):
                    yield Hit(place, one.message)


RULE = LintRule(
    id="missing-parameter",
    severity=Severity.ERROR,
    title="A call lacks a parameter that its action needs",
    why="Step Functions refuses the machine, or the state fails when it is reached.",
    fix="add the parameter",
    check=check,
    broken=(
        """
Ask: {Type: Task, Resource: "arn:aws:states:::sqs:sendMessage", Arguments: {MessageBody: a}, End: true}
""",
        """
Look: {Type: Task, Resource: "arn:aws:states:::aws-sdk:s3:getObject", Arguments: {Bucket: orders}, End: true}
""",
        """
Tell: {Type: Task, Resource: "arn:aws:states:::sns:publish", Arguments: {Message: done}, End: true}
""",
    ),
    right=(
        """
Look:
  Type: Task
  Resource: arn:aws:states:::aws-sdk:s3:listObjectsV2
  Arguments: "{% $merge([{'Bucket': 'b'}, $states.input.more]) %}"
  End: true
""",
    ),
)
