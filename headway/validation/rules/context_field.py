"""The Context object has the fields that are read of it."""

from collections.abc import Iterator

from headway.asl import context
from headway.asl.json_path import NoPath, reading_of
from headway.asl.jsonata_tree import names_of
from headway.asl.places import Path
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def context_reads(subject: Subject) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield what is read of the Context object, in either language."""
    for _, one in subject.expressions:
        names = names_of(one.text)
        for read in sorted(names.reads) if names else ():
            if read[:1] == ("context",):
                yield one.path, read[1:]
    for _, path in subject.paths:
        reading = reading_of(path.text)
        for root, found in () if isinstance(reading, NoPath) else reading.paths:
            if root == "$$":
                yield path.path, found


def check(subject: Subject) -> Iterator[Hit]:
    """Find fields that it has not; a misspelt task token has a rule of its own."""
    for path, names in context_reads(subject):
        if not context.is_there(names) and not context.is_token_misspelt(names):
            near = context.nearest(names)
            fix = f"did you mean `{'.'.join(near)}`?" if near else ""
            yield Hit(path, f"the Context object has no `{'.'.join(names)}`", fix)


RULE = LintRule(
    id="context-field",
    severity=Severity.ERROR,
    title="The Context object has no such field",
    why="A JSONPath state fails with States.Runtime there, a JSONata state with States.QueryEvaluationError.",
    fix="read a field of Execution, State, StateMachine, Task or Map.Item",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: "{% $states.context.Execution.Arn %}", End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"id.$": "$$.Execution.ID"}, End: true}',
    ),
    right=(
        'Ask: {Type: Pass, Output: "{% $states.context.Execution.Input.anything %}", End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"id.$": "$$.Map.Item.Value.anything"}, End: true}',
    ),
)
