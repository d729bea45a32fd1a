"""What stands in a definition for something that only its deployment knows.

`${Name}` of SAM and of Headway, `${Token[...]}` and the huge negative numbers of CDK, `#{Name}` of the Serverless
Framework, `{{name}}` of templates, `<NAME>` of samples, and CloudFormation's functions.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from headway.asl.places import Path

_ANY: Final = re.compile(r"\$\{[^}]*\}|#\{[^}]*\}|\{\{[^}]*\}\}|<[A-Za-z][\w .:-]*>|%%\w+%%|\b(?:ACCOUNT_ID|REGION)\b")
_IN_EXPRESSION: Final = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\$\{[^}]*\}|#\{[^}]*\}|\{\{[^}]*\}\}""")
STAND_IN: Final = "headwayPlaceholder"
"""The variable that stands for a placeholder in an expression."""
_TOKEN_BELOW: Final = -1e280
"""CDK encodes tokens that are numbers as such numbers (aws-cdk-lib, `encoding.ts`)."""


def is_unknown(value: Any) -> bool:
    """Tell whether a value, or some of its text, is known at deployment only."""
    if isinstance(value, str):
        return _ANY.search(value) is not None
    if isinstance(value, int | float):
        return value < _TOKEN_BELOW
    if isinstance(value, dict) and len(value) == 1:
        [name] = value
        return isinstance(name, str) and (name.startswith("Fn::") or name == "Ref")
    return False


def at(document: Any, path: Path) -> Any:
    """Return what is at a path; None where there is nothing."""
    for part in path:
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
        else:
            return None
    return document


def settled(document: Any) -> Any:
    """Return a definition whose JSONata can be parsed: placeholders outside of quotes are variables there."""
    if isinstance(document, dict):
        return {key: settled(value) for key, value in document.items()}
    if isinstance(document, list):
        return [settled(value) for value in document]
    if isinstance(document, str) and document.startswith("{%"):
        return _IN_EXPRESSION.sub(lambda match: match[1] or f"${STAND_IN}", document)
    return document
