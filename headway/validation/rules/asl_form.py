"""Fields, types, ranges: what Step Functions refuses at creation and no other rule tells by a name of its own."""

from collections.abc import Iterator

from headway.asl.diagnostics import SCHEMA
from headway.asl.placeholders import at
from headway.asl.state_form import ARGUMENT_MISSING, CATCH_ALL_FIRST, HEARTBEAT_TOO_LONG, NOT_RECOGNIZED
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_TOLD_ELSEWHERE = (CATCH_ALL_FIRST, HEARTBEAT_TOO_LONG)
_OF_PATHS = ("Value must be a valid JSONPath", "The value for the field")


def check(subject: Subject) -> Iterator[Hit]:
    """Find what AWS has against the form of a definition."""
    for path, one in subject.form:
        if one.code == SCHEMA and not _told_elsewhere(one.message, at(subject.document, path)):
            yield Hit(path, one.message)


def _told_elsewhere(message: str, value: object) -> bool:
    if message.startswith(_OF_PATHS):
        return isinstance(value, str)
    return message in _TOLD_ELSEWHERE or message.startswith(NOT_RECOGNIZED) or message.endswith(ARGUMENT_MISSING)


RULE = LintRule(
    id="asl-form",
    severity=Severity.ERROR,
    title="A field is missing, unknown, of another type or out of range",
    why="Step Functions refuses the machine when it is created or updated, in these words.",
    fix="write what the Amazon States Language has there",
    check=check,
    broken=(
        "Ask: {Type: Pass, Seconds: 5, End: true}",
        "Ask: {Type: Pass}",
        "Ask: {Type: Wait, Seconds: -1, End: true}",
        """
# JSONPath
Ask: {Type: Pass, Output: "{% 1 %}", End: true}
""".lstrip(),
    ),
    right=(
        'Ask: {Type: Wait, Seconds: "{% $states.input.seconds %}", End: true}',
        'Ask: {Type: Wait, Seconds: "${Seconds}", End: true}',
    ),
)
