"""States.ALL does not catch, nor retry, States.DataLimitExceeded and States.Runtime.

AWS: Developer Guide, "Handling errors", entries States.ALL, States.DataLimitExceeded and States.Runtime. Whoever names
States.DataLimitExceeded catches it. ministack's wildcard has no exception.
"""

from collections.abc import Collection
from typing import Final

from ministack.services import stepfunctions as sfn

TERMINAL: Final = frozenset({"States.DataLimitExceeded", "States.Runtime"})
WILDCARD: Final = "States.ALL"


def apply() -> None:
    """Take the wildcard away where the error is one of those."""
    matches = sfn._error_matches

    def matches_unless_terminal(error_equals: Collection[str], error: str) -> bool:
        named = [name for name in error_equals if name != WILDCARD] if error in TERMINAL else error_equals
        answer: bool = matches(named, error)
        return answer

    sfn._error_matches = matches_unless_terminal
