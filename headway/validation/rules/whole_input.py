"""A message carries what its reader needs, and not the whole input of a state."""

from collections.abc import Iterator
from typing import Any, Final

from headway.asl.jsonata_tree import whole_path
from headway.asl.model import State
from headway.asl.places import Path
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_MESSAGES: Final = (":sqs:", ":sns:", ":events:", ":aws-sdk:sqs:", ":aws-sdk:sns:", ":aws-sdk:eventbridge:")
_WHOLE: Final = ((), ("input",), ("context",), ("context", "Execution", "Input"))


def check(subject: Subject) -> Iterator[Hit]:
    """Find messages, and what is sent with a task token, with the whole input in them."""
    for state in subject.tasks:
        if state.waits_for_token or any(service in state.resource for service in _MESSAGES):
            for path, text in _wholes(state.arguments, (*state.path, state.arguments_field), "", state):
                yield Hit(path, f"`{text}` is the whole input: it grows with it, beyond 256 KiB in the end")


def _wholes(value: Any, path: Path, key: str, state: State) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _wholes(part, (*path, name), name, state)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _wholes(part, (*path, index), "", state)
    elif isinstance(value, str) and _is_whole(value, key, state):
        yield path, value


def _is_whole(text: str, key: str, state: State) -> bool:
    if state.jsonata:
        return text.startswith("{%") and whole_path(text[2:-2].strip()) in _WHOLE
    return key.endswith(".$") and text.strip() in ("$", "$$", "$$.Execution.Input", "States.JsonToString($)")


RULE = LintRule(
    id="whole-input",
    severity=Severity.WARNING,
    title="The whole input goes into a message",
    why="A message has 256 KiB, token included: the state fails on the day on which the input has grown. And what"
    " nobody needs is read by everybody.",
    fix="name the fields that are needed, or store the rest and send a pointer",
    check=check,
    broken=(
        """
Tell:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage
  Arguments: {QueueUrl: "${Queue}", MessageBody: {all: "{% $states.input %}"}}
  End: true
""",
        """
# JSONPath
Tell:
  Type: Task
  Resource: arn:aws:states:::sns:publish
  Parameters: {TopicArn: "${Topic}", Message.$: $}
  End: true
""".lstrip(),
    ),
    right=(
        """
Tell:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage
  Arguments: {QueueUrl: "${Queue}", MessageBody: {order: "{% $states.input.order_id %}"}}
  End: true
""",
    ),
)
