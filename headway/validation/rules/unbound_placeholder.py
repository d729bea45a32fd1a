"""Every placeholder stands for something, where it is known what placeholders can stand for."""

import json
from collections.abc import Iterator
from typing import Any

from headway_cdk.definitions import unbound

from headway.asl.places import Path
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find placeholders that nothing is bound to."""
    if subject.names is None:
        return
    for path, value in _leaves(subject.document, ()):
        for name, advice in unbound(value, subject.names):
            yield Hit(path, f"`${{{name}}}` stands for nothing", advice)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield texts, and keys as texts of their own, each with its path."""
    if isinstance(value, dict):
        for key, part in value.items():
            if "${" in key:
                yield (*path, key), json.dumps(key)
            yield from _leaves(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _leaves(part, (*path, index))
    elif isinstance(value, str) and "${" in value:
        yield path, value


_TEMPLATE = """
Resources:
  Order:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionSubstitutions: {{Queue: !Ref Orders}}
      Definition:
        StartAt: Ask
        States:
          Ask:
            Type: Task
            Resource: arn:aws:states:::sqs:sendMessage
            Parameters: {{QueueUrl: "{queue}", MessageBody: "{body}"}}
            End: true
"""

RULE = LintRule(
    id="unbound-placeholder",
    severity=Severity.ERROR,
    title="A placeholder stands for nothing",
    why="Nothing is written in its place: what goes out is `${Name}`. Known in a project of Headway, and in a template"
    " with `DefinitionSubstitutions`.",
    fix="name a thing of the project, or bind the placeholder",
    check=check,
    broken=(
        _TEMPLATE.format(queue="${Queues}", body="a"),
        _TEMPLATE.format(queue="${Queue}", body="${Greeting}, you"),
    ),
    right=(_TEMPLATE.format(queue="${Queue}", body="in ${AWS::Region}"),),
)
