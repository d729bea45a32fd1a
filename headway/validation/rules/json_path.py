"""JSONPaths and intrinsic functions can be read, and have the arguments that they take."""

from collections.abc import Iterator

from headway.asl.json_path import NoPath, reading_of
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find texts that are neither a path nor a function."""
    for _, one in subject.paths:
        if one.text.startswith("{%"):
            continue  # the wrong query language has a rule of its own
        reading = reading_of(one.text)
        if isinstance(reading, NoPath):
            yield Hit(one.path, str(reading))
        elif one.reference and not reading.plain:
            yield Hit(
                one.path, f"`{one.text}` names more than one place", "name one place: `$.name`, without `*` and filters"
            )


RULE = LintRule(
    id="json-path",
    severity=Severity.ERROR,
    title="A JSONPath or an intrinsic function cannot be read",
    why="Step Functions refuses it, or the state fails with States.ParameterPathFailure or States.IntrinsicFailure.",
    fix="correct the path; a path begins with `$`, a function with `States.`",
    check=check,
    broken=(
        '# JSONPath\nAsk: {Type: Pass, InputPath: "$.rows[", End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"a.$": "rows.first"}, End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"a.$": "States.Formt(\'{}\', $.a)"}, End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"a.$": "States.Format(\'{} {}\', $.a)"}, End: true}',
        '# JSONPath\nAsk: {Type: Pass, ResultPath: "$.rows[*]", End: true}',
    ),
    right=(
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"a.$": "$.rows[?(@.id == \'x\')].name"}, End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"a.$": "States.Format(\'{}/{}\', $.a, States.UUID())"}, End: true}',
        '# JSONPath\nAsk: {Type: Pass, InputPath: "$.${Field}", End: true}',
    ),
)
