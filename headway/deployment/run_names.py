"""Names of the executions that `headway run` starts: made from a line, so that no line is started twice."""

import re
from typing import Final

NAME_PREFIX: Final = "hw-"
"""Of every execution that a run starts."""
_NAME: Final = re.compile(rf"(.+:{NAME_PREFIX}[0-9a-f]+-)([0-9]+)")


def execution_name(key: str, attempt: int) -> str:
    """Name an execution. The same line and attempt give the same name: nothing is started twice."""
    return f"{NAME_PREFIX}{key}-{attempt}"


def next_attempt(execution_arn: str) -> str | None:
    """Return the ARN of the attempt at a line behind this one, as a later run names it; None where no run began it."""
    found = _NAME.fullmatch(execution_arn)
    return f"{found[1]}{int(found[2]) + 1}" if found else None
